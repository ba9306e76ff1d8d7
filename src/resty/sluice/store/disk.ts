import * as journal from "./journal";
import * as posix from "./posix";
import { Header } from "./cells";
import { shared_memory } from "./region";
import * as replay from "./replay";

/**
 * The files of `state_dir`: two journals, one of which every write appends to, and two images of the whole state,
 * written in turn. To replace a long journal by an image, writes go on in the other journal meanwhile. All files are
 * opened once, before the workers are forked, so that these need no right in the folder. How much of a journal
 * counts is kept in the shared memory: what lies beyond was never acknowledged, and is cut.
 */

type Outcome = LuaMultiReturn<[true | undefined, string | undefined]>;

/** Reads a file. */
export function read_whole(path: string): LuaMultiReturn<[string | undefined, string | undefined]> {
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
 * @param state_dir undefined: nothing is saved
 */
export function open(state_dir: string | undefined): void {
  const memory = shared_memory();
  if (state_dir === undefined) return;
  const [made, cause] = posix.make_directory(state_dir);
  if (made === undefined) error(`could not make ${state_dir}: ${cause ?? ""}`, 0);
  if (posix.take_file(open_state_file(state_dir, "lock"))[0] === undefined) {
    error(
      `could not take ${state_dir}: another nginx uses it, or lua_shared_dict changed its size (then restart)`,
      0,
    );
  }
  memory[Header.JOURNAL_FD] = open_state_file(state_dir, "journal.0");
  memory[Header.OTHER_JOURNAL_FD] = open_state_file(state_dir, "journal.1");
  memory[Header.IMAGE_FD] = open_state_file(state_dir, "image.0");
  memory[Header.OTHER_IMAGE_FD] = open_state_file(state_dir, "image.1");
  memory[Header.HEALTH_FD] = open_state_file(state_dir, "health.0");
  memory[Header.OTHER_HEALTH_FD] = open_state_file(state_dir, "health.1");
}

/** True when writes are saved. */
export function is_open(): boolean {
  return shared_memory()[Header.JOURNAL_FD] !== 0;
}

function exchange(a: Header, b: Header): void {
  const memory = shared_memory();
  const value = memory[a];
  memory[a] = memory[b];
  memory[b] = value;
}

function exchange_images(): void {
  exchange(Header.IMAGE_FD, Header.OTHER_IMAGE_FD);
}

function exchange_journals(): void {
  exchange(Header.JOURNAL_FD, Header.OTHER_JOURNAL_FD);
  exchange(Header.JOURNAL_BYTES, Header.OTHER_JOURNAL_BYTES);
}

function load_newest_image(state: replay.SavedState, state_dir: string): Outcome {
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
  const [applied, cause] = replay.apply_image(state, newest_text);
  if (applied === undefined) return $multi(undefined, `${newest_path}: ${cause ?? ""}`);
  return $multi(true, undefined);
}

/** Applies the journal `journal.<index>` and makes it the one that is appended to. */
function load_journal(state: replay.SavedState, path: string, text: string): Outcome {
  const [bytes, cause] = replay.apply_journal(state, text);
  if (bytes === undefined) return $multi(undefined, `${path}: ${cause ?? ""}`);
  if (bytes < text.length) {
    ngx.log(ngx.WARN, `sluice: ${path}: the last line was not finished and is left out`);
  }
  shared_memory()[Header.JOURNAL_BYTES] = bytes;
  return $multi(true, undefined);
}

/**
 * Loads what is saved. Phase: init_by_lua, after `open`.
 *
 * @returns the state, or undefined and which line of which file cannot be read
 */
export function load(state_dir: string): LuaMultiReturn<[replay.SavedState | undefined, string | undefined]> {
  const state = replay.empty_state();
  let [loaded, cause] = load_newest_image(state, state_dir);
  if (loaded === undefined) return $multi(undefined, cause);

  const paths = [`${state_dir}/journal.0`, `${state_dir}/journal.1`];
  const [first_text, first_cause] = read_whole(paths[0]);
  if (first_text === undefined) return $multi(undefined, first_cause);
  const [second_text, second_cause] = read_whole(paths[1]);
  if (second_text === undefined) return $multi(undefined, second_cause);

  const texts = [first_text, second_text];
  const first = journal.first_revision(first_text) ?? math.huge;
  const second = journal.first_revision(second_text) ?? math.huge;
  // The older one first; of an empty one and another, the other.
  const older = second < first ? 1 : 0;
  if (older === 1) exchange_journals();
  [loaded, cause] = load_journal(state, paths[older], texts[older]);
  if (loaded === undefined) return $multi(undefined, cause);
  const newer = 1 - older;
  if (texts[newer] === "") return $multi(state, undefined);
  exchange_journals();
  [loaded, cause] = load_journal(state, paths[newer], texts[newer]);
  if (loaded === undefined) return $multi(undefined, cause);
  return $multi(state, undefined);
}

/** Cuts what a write that failed may have left at the end of the journal. Under the lock. */
export function cut_rest(): Outcome {
  const memory = shared_memory();
  const fd = memory[Header.JOURNAL_FD];
  const bytes = memory[Header.JOURNAL_BYTES];
  if (posix.file_size(fd) === bytes) return $multi(true, undefined);
  const [cut, cause] = posix.cut_file(fd, bytes);
  if (cut === undefined) return $multi(undefined, `could not cut the journal: ${cause ?? ""}`);
  return $multi(true, undefined);
}

/**
 * Appends a line to the journal, after `cut_rest`; it counts once `commit` has run. Under the lock.
 *
 * @param fsync wait until the disk has it
 */
export function append(line: string, fsync: boolean): Outcome {
  const memory = shared_memory();
  const fd = memory[Header.JOURNAL_FD];
  const bytes = memory[Header.JOURNAL_BYTES];
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

/** Whether the journal that is appended to has so many bytes, whether or not they count yet. */
export function has_journalled(bytes: number): boolean {
  return posix.file_size(shared_memory()[Header.JOURNAL_FD]) >= bytes;
}

/** Makes only so many bytes of the journal count; if it cannot be cut now, `cut_rest` does that later. Under the lock. */
export function take_back(bytes: number): void {
  const memory = shared_memory();
  memory[Header.JOURNAL_BYTES] = bytes;
  if (is_open()) posix.cut_file(memory[Header.JOURNAL_FD], bytes);
}

/** How long the journals are, and the image. */
export function sizes(): LuaMultiReturn<[number, number]> {
  const memory = shared_memory();
  return $multi(
    memory[Header.JOURNAL_BYTES] + memory[Header.OTHER_JOURNAL_BYTES],
    memory[Header.IMAGE_BYTES],
  );
}

/** Lets writes go on in the other journal, if it is empty, so that an image can replace this one. Under the lock. */
export function change_journal(): void {
  if (shared_memory()[Header.OTHER_JOURNAL_BYTES] === 0) exchange_journals();
}

/** Empties the journal before this one; an image holds its lines now. Under the lock. */
export function cut_other_journal(): Outcome {
  const memory = shared_memory();
  const [cut, cause] = posix.cut_file(memory[Header.OTHER_JOURNAL_FD], 0);
  if (cut === undefined) return $multi(undefined, `could not cut the journal: ${cause ?? ""}`);
  memory[Header.OTHER_JOURNAL_BYTES] = 0;
  return $multi(true, undefined);
}

/**
 * Writes a new image, a piece at a time; until it is whole the one before counts. Under the lock of images.
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
  return $multi(true, undefined);
}
