import * as journal from "./journal";
import * as posix from "./posix";
import { Header, shared_memory } from "./region";

/**
 * The files of `state_dir`: a journal that every write appends to, and two images of the whole state, written in
 * turn. All are opened once, before the workers are forked, so that these need no right in the folder. How much of
 * the journal counts is kept in the shared memory: what lies beyond was never acknowledged, and is cut.
 */

type Outcome = LuaMultiReturn<[true | undefined, string | undefined]>;

function read_whole(path: string): LuaMultiReturn<[string | undefined, string | undefined]> {
  const [file, cause] = io.open(path, "rb");
  if (file === undefined) return $multi(undefined, `could not read ${path}: ${cause ?? ""}`);
  const text = file.read("*a") ?? "";
  file.close();
  return $multi(text, undefined);
}

function open_state_file(state_dir: string, name: string): number {
  const path = `${state_dir}/${name}`;
  const [fd, cause] = posix.open_file(path);
  return fd ?? error(`could not open ${path}: ${cause ?? ""}`, 0);
}

/**
 * Opens, or makes, the files, and takes the folder for this nginx. Phase: init_by_lua. Raises a text when it cannot.
 *
 * @param state_dir undefined: nothing is saved, but the lock is made
 */
export function open(state_dir: string | undefined): void {
  const memory = shared_memory();
  if (state_dir === undefined) {
    const [fd, cause] = posix.open_memory_file();
    memory[Header.LOCK_FD] = fd ?? error(`could not make the lock: ${cause ?? ""}`, 0);
    return;
  }
  const [made, cause] = posix.make_directory(state_dir);
  if (made === undefined) error(`could not make ${state_dir}: ${cause ?? ""}`, 0);
  memory[Header.LOCK_FD] = open_state_file(state_dir, "lock");
  if (posix.take_file(memory[Header.LOCK_FD])[0] === undefined) {
    error(
      `could not take ${state_dir}: another nginx uses it, or lua_shared_dict changed its size (then restart)`,
      0,
    );
  }
  memory[Header.JOURNAL_FD] = open_state_file(state_dir, "journal");
  memory[Header.IMAGE_FD] = open_state_file(state_dir, "image.0");
  memory[Header.OTHER_IMAGE_FD] = open_state_file(state_dir, "image.1");
}

/** True when writes are saved. */
export function is_open(): boolean {
  return shared_memory()[Header.JOURNAL_FD] !== 0;
}

function exchange_images(): void {
  const memory = shared_memory();
  const fd = memory[Header.IMAGE_FD];
  memory[Header.IMAGE_FD] = memory[Header.OTHER_IMAGE_FD];
  memory[Header.OTHER_IMAGE_FD] = fd;
}

function load_newest_image(state: journal.SavedState, state_dir: string): Outcome {
  let newest = -1;
  let newest_text = "";
  let newest_path = "";
  for (const index of $range(0, 1)) {
    const path = `${state_dir}/image.${index}`;
    const [text, cause] = read_whole(path);
    if (text === undefined) return $multi(undefined, cause);
    const revision = journal.image_revision(text);
    if (revision === undefined && text !== "") {
      ngx.log(ngx.WARN, `sluice: ${path} was not finished and is left out`);
    }
    if (revision !== undefined && revision > newest) {
      if (index === 1) exchange_images();
      newest = revision;
      newest_text = text;
      newest_path = path;
    }
  }
  if (newest === -1) return $multi(true, undefined);
  shared_memory()[Header.IMAGE_BYTES] = newest_text.length;
  const [applied, cause] = journal.apply_image(state, newest_text);
  if (applied === undefined) return $multi(undefined, `${newest_path}: ${cause ?? ""}`);
  return $multi(true, undefined);
}

/**
 * Loads what is saved. Phase: init_by_lua, after `open`.
 *
 * @returns the state, or undefined and which line of which file cannot be read
 */
export function load(
  state_dir: string,
): LuaMultiReturn<[journal.SavedState | undefined, string | undefined]> {
  const state = journal.empty_state();
  const [loaded, image_cause] = load_newest_image(state, state_dir);
  if (loaded === undefined) return $multi(undefined, image_cause);

  const path = `${state_dir}/journal`;
  const [text, read_cause] = read_whole(path);
  if (text === undefined) return $multi(undefined, read_cause);
  const [bytes, cause] = journal.apply_journal(state, text);
  if (bytes === undefined) return $multi(undefined, `${path}: ${cause ?? ""}`);
  if (bytes < text.length) {
    ngx.log(ngx.WARN, `sluice: ${path}: the last line was not finished and is left out`);
  }
  shared_memory()[Header.JOURNAL_BYTES] = bytes;
  return $multi(state, undefined);
}

/**
 * Appends a line to the journal; it counts once `commit` has run. Under the lock.
 *
 * @param fsync wait until the disk has it
 */
export function append(line: string, fsync: boolean): Outcome {
  const memory = shared_memory();
  const fd = memory[Header.JOURNAL_FD];
  const bytes = memory[Header.JOURNAL_BYTES];
  if (posix.file_size(fd) !== bytes) {
    const [cut, cause] = posix.cut_file(fd, bytes);
    if (cut === undefined) return $multi(undefined, `could not cut the journal: ${cause ?? ""}`);
  }
  let [done, cause] = posix.write_at(fd, line, bytes);
  if (done !== undefined && fsync) [done, cause] = posix.sync_file(fd);
  if (done !== undefined) return $multi(true, undefined);
  posix.cut_file(fd, bytes);
  return $multi(undefined, `could not append to the journal: ${cause ?? ""}`);
}

/** Makes the line that was appended last count. */
export function commit(line: string): void {
  const memory = shared_memory();
  memory[Header.JOURNAL_BYTES] = memory[Header.JOURNAL_BYTES] + line.length;
}

/**
 * Writes a new image, a piece at a time, then empties the journal; a crash at any byte leaves the old image and the
 * journal, or the new image. Under the lock.
 *
 * @param next_piece gives the image's text in pieces, then undefined
 */
export function write_image(next_piece: (this: void) => string | undefined): Outcome {
  const memory = shared_memory();
  const fd = memory[Header.OTHER_IMAGE_FD];
  let [done, cause] = posix.cut_file(fd, 0);
  let bytes = 0;
  let piece = next_piece();
  while (done !== undefined && piece !== undefined) {
    [done, cause] = posix.write_at(fd, piece, bytes);
    bytes += piece.length;
    piece = next_piece();
  }
  if (done !== undefined) [done, cause] = posix.sync_file(fd);
  if (done === undefined) {
    posix.cut_file(fd, 0);
    return $multi(undefined, `could not write the image: ${cause ?? ""}`);
  }
  exchange_images();
  memory[Header.IMAGE_BYTES] = bytes;
  memory[Header.JOURNAL_BYTES] = 0;
  [done, cause] = posix.cut_file(memory[Header.JOURNAL_FD], 0);
  if (done === undefined) return $multi(undefined, `could not cut the journal: ${cause ?? ""}`);
  return $multi(true, undefined);
}
