import type { Result } from "../../lib/result";
import { Header } from "../memory/header_cells";
import * as posix from "../memory/posix";
import { shared_memory } from "../memory/region";
import { note_saving } from "./failures";
import { displaced, open_files, use_folder } from "./files";
import { format_journal_start } from "./journal";
import { load_files, type Index, type TextFile } from "./load";
import type { SavedState } from "./replay";
import { forces_changes, sync_change, sync_file } from "./sync";

/**
 * Saves changes. Each write appends a line to a journal. When an image of the whole state replaces a long
 * journal, writes continue in the other journal, whose first line names the revision that it follows.
 *
 * The number of bytes that count of a journal is kept in the shared memory: later bytes were never
 * acknowledged and are removed. One number tells which of two files is in use, so a killed worker leaves it
 * either as it was or changed.
 */

/** Opens the files; without a folder nothing is saved. Phase: init_by_lua. Raises a text on failure. */
export function open(state_dir: string | undefined): void {
  if (state_dir === undefined) return;
  open_files(state_dir);
  use_folder(state_dir);
}

/** Returns whether writes are saved. */
export function is_open(): boolean {
  return shared_memory()[Header.JOURNAL_0_FD] !== 0;
}

function other(which: Header.JOURNAL | Header.IMAGE): Index {
  return shared_memory()[which] === 0 ? 1 : 0;
}

function read_files(
  state_dir: string,
  name: string,
  first_fd: Header,
): LuaMultiReturn<[TextFile[], string | undefined]> {
  const files: TextFile[] = [];
  for (const index of $range(0, 1)) {
    const path = `${state_dir}/${name}.${index}`;
    const [text, cause] = posix.read_file(shared_memory()[first_fd + index]);
    if (text === undefined) return $multi(files, `could not read ${path}: ${cause ?? ""}`);
    files.push({ path, text });
  }
  return $multi(files, undefined);
}

/** Loads the state, and tells whether an image must be written first. Phase: init_by_lua, after `open`. */
export function load(
  state_dir: string,
): LuaMultiReturn<[SavedState | undefined, string | undefined, boolean?]> {
  const [images, no_image] = read_files(state_dir, "image", Header.IMAGE_0_FD);
  if (no_image !== undefined) return $multi(undefined, no_image);
  const [journals, no_journal] = read_files(state_dir, "journal", Header.JOURNAL_0_FD);
  if (no_journal !== undefined) return $multi(undefined, no_journal);
  const [loaded, cause] = load_files(images, journals);
  if (loaded === undefined) return $multi(undefined, cause);
  for (const warning of loaded.warnings) ngx.log(ngx.WARN, `sluice: ${warning}`);
  const memory = shared_memory();
  memory[Header.IMAGE] = loaded.image ?? 0;
  memory[Header.IMAGE_BYTES] = loaded.image_bytes;
  memory[Header.JOURNAL] = loaded.journal;
  memory[Header.JOURNAL_0_BYTES] = loaded.journal_bytes[0];
  memory[Header.JOURNAL_1_BYTES] = loaded.journal_bytes[1];
  return $multi(loaded.state, undefined, loaded.needs_image);
}

const CUT = "the journal was cut while nginx runs";

/** Returns whether another program has truncated a journal: bytes that count are missing. */
function is_short(index: number): boolean {
  const memory = shared_memory();
  const bytes = memory[Header.JOURNAL_0_BYTES + index];
  return bytes > 0 && posix.file_size(memory[Header.JOURNAL_0_FD + index]) < bytes;
}

/** Removes the bytes of a journal that do not count: they were never acknowledged. */
function trim(index: number): Result<true> {
  const memory = shared_memory();
  const fd = memory[Header.JOURNAL_0_FD + index];
  const bytes = memory[Header.JOURNAL_0_BYTES + index];
  const size = posix.file_size(fd);
  if (size === bytes) return $multi(true, undefined);
  if (size < bytes) return $multi(undefined, CUT);
  const [cut, cause] = posix.cut_file(fd, bytes);
  return $multi(cut, cut === undefined ? `could not cut the journal: ${cause ?? ""}` : undefined);
}

/** Writes at the end of a journal, and calls `sync`. The bytes do not count yet. */
function write_line(index: number, line: string, sync?: typeof sync_change): Result<true> {
  const memory = shared_memory();
  const fd = memory[Header.JOURNAL_0_FD + index];
  const bytes = memory[Header.JOURNAL_0_BYTES + index];
  let [done, cause] = trim(index);
  if (done === undefined) return $multi(undefined, cause);
  [done, cause] = posix.write_at(fd, line, bytes);
  if (done !== undefined && sync !== undefined) [done, cause] = sync(fd);
  const moved = done === undefined ? undefined : displaced();
  if (done !== undefined && moved === undefined) return $multi(true, undefined);
  posix.cut_file(fd, bytes);
  return $multi(undefined, moved ?? `could not append to the journal: ${cause ?? ""}`);
}

/** Removes what a failed write may have left. The caller holds the write lock. */
export function trim_journal(): Result<true> {
  return trim(shared_memory()[Header.JOURNAL]);
}

/**
 * Writes a change at the end of the journal. It could not be loaded while changes before it are only in
 * memory: those of the previous journal, if that was truncated, until an image holds them.
 */
function write_change(line: string): Result<true> {
  if (is_short(other(Header.JOURNAL))) return $multi(undefined, CUT);
  return write_line(shared_memory()[Header.JOURNAL], line, sync_change);
}

/**
 * Appends lines to the journal, with `fsync` to the disk. May sleep then, where the phase can. The caller
 * holds the write lock.
 */
export function append(line: string): Result<true> {
  const [written, cause] = write_change(line);
  note_saving("change", cause);
  if (written !== undefined) count_bytes(journal_bytes() + line.length);
  return $multi(written, cause);
}

/** Returns how many bytes of the current journal count. */
export function journal_bytes(): number {
  const memory = shared_memory();
  return memory[Header.JOURNAL_0_BYTES + memory[Header.JOURNAL]];
}

/** Returns whether the current journal has so many bytes, whether or not they count yet. */
export function has_journalled(bytes: number): boolean {
  const memory = shared_memory();
  return posix.file_size(memory[Header.JOURNAL_0_FD + memory[Header.JOURNAL]]) >= bytes;
}

/** Makes only so many bytes of the journal count. The caller holds the write lock. */
export function take_back(bytes: number): void {
  count_bytes(bytes);
  if (is_open()) trim_journal();
}

/** Sets how many bytes of the journal count. The caller holds the write lock. */
export function count_bytes(bytes: number): void {
  const memory = shared_memory();
  memory[Header.JOURNAL_0_BYTES + memory[Header.JOURNAL]] = bytes;
}

/** Returns the sizes of the journals together, and of the image. */
export function sizes(): LuaMultiReturn<[number, number]> {
  const memory = shared_memory();
  return $multi(memory[Header.JOURNAL_0_BYTES] + memory[Header.JOURNAL_1_BYTES], memory[Header.IMAGE_BYTES]);
}

/** Returns whether another program has truncated a journal, so that an image must replace it. */
export function is_cut(): boolean {
  return is_short(0) || is_short(1);
}

/** Continues with the other journal, if it is empty, so that an image can replace the current one. */
export function change_journal(revision: number): Result<true> {
  const memory = shared_memory();
  const next = other(Header.JOURNAL);
  if (memory[Header.JOURNAL_0_BYTES + next] !== 0) return $multi(true, undefined);
  // An unacknowledged line must not precede those of the next journal.
  if (!is_short(memory[Header.JOURNAL])) {
    const [trimmed, uncut] = trim(memory[Header.JOURNAL]);
    if (trimmed === undefined) return $multi(undefined, uncut);
  }
  const start = format_journal_start(revision);
  const [written, cause] = write_line(next, start);
  if (written === undefined) return $multi(undefined, cause);
  memory[Header.JOURNAL_0_BYTES + next] = start.length;
  memory[Header.JOURNAL] = next;
  return $multi(true, undefined);
}

/** Empties the previous journal, whose changes an image holds now. The caller holds the write lock. */
export function cut_other_journal(): Result<true> {
  const memory = shared_memory();
  const index = other(Header.JOURNAL);
  const bytes = memory[Header.JOURNAL_0_BYTES + index];
  // First: a worker that is killed before the cut leaves bytes that do not count, which are removed later.
  // The other way round, bytes that count would be missing, and changes be refused until the next image.
  memory[Header.JOURNAL_0_BYTES + index] = 0;
  const [cut, cause] = posix.cut_file(memory[Header.JOURNAL_0_FD + index], 0);
  if (cut !== undefined) return $multi(true, undefined);
  memory[Header.JOURNAL_0_BYTES + index] = bytes;
  return $multi(undefined, `could not cut the journal: ${cause ?? ""}`);
}

/** Starts a journal that follows an image of the state at `revision`. The caller holds the write lock. */
export function restart_journal(revision: number): Result<true> {
  let [done, cause] = cut_other_journal();
  if (done !== undefined) [done, cause] = change_journal(revision);
  if (done !== undefined) [done, cause] = sync_journal();
  if (done !== undefined) [done, cause] = cut_other_journal();
  return $multi(done, cause);
}

/** Waits until the disk holds what a dead writer has appended, with `fsync`. Blocks the process. */
export function sync_unfinished(): Result<true> {
  if (!is_open() || !forces_changes()) return $multi(true, undefined);
  const memory = shared_memory();
  return posix.sync_file(memory[Header.JOURNAL_0_FD + memory[Header.JOURNAL]]);
}

/** Waits until the disk holds every change so far. May sleep, as `sync_file`. */
export function sync_journal(): Result<true> {
  const memory = shared_memory();
  const [synced, cause] = sync_file(memory[Header.JOURNAL_0_FD + memory[Header.JOURNAL]]);
  return $multi(synced, synced === undefined ? `could not sync the journal: ${cause ?? ""}` : undefined);
}

type Append = (this: void, piece: string) => string | undefined;

/**
 * Writes a new image. The previous image counts until the new one is complete. The caller holds the lock of
 * images. May sleep, as `sync_file`.
 *
 * @param append_all appends all pieces, and returns the cause when it fails
 */
export function write_image(append_all: (this: void, append: Append) => string | undefined): Result<true> {
  const memory = shared_memory();
  const index = other(Header.IMAGE);
  const fd = memory[Header.IMAGE_0_FD + index];
  let bytes = 0;
  let [, cause] = posix.cut_file(fd, 0);
  cause ??= append_all((piece) => {
    const [, failure] = posix.write_at(fd, piece, bytes);
    bytes += piece.length;
    return failure;
  });
  if (cause === undefined) [, cause] = sync_file(fd);
  if (cause !== undefined) {
    posix.cut_file(fd, 0);
    return $multi(undefined, `could not write the image: ${cause}`);
  }
  memory[Header.IMAGE] = index;
  memory[Header.IMAGE_BYTES] = bytes;
  return $multi(true, undefined);
}
