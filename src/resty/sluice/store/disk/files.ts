import { from_prefix } from "../../lib/path";
import { Header } from "../memory/header_cells";
import * as posix from "../memory/posix";
import { shared_memory } from "../memory/region";
import { count_openings, flaw_of, is_at, state_of } from "./stat";

/**
 * The files of `state_dir`: two journals, two images, two files of the history and two health files, each
 * pair written in turn, and a lock file. All are opened once, before the workers are forked, so that the
 * workers need no rights in the folder.
 */

/** The files, and the cells of their descriptors. */
const FILES: [name: string, cell: Header][] = [
  ["lock", Header.STATE_LOCK_FD],
  ["journal.0", Header.JOURNAL_0_FD],
  ["journal.1", Header.JOURNAL_1_FD],
  ["image.0", Header.IMAGE_0_FD],
  ["image.1", Header.IMAGE_1_FD],
  ["history.0", Header.HISTORY_0_FD],
  ["history.1", Header.HISTORY_1_FD],
  ["health.0", Header.HEALTH_FD],
  ["health.1", Header.OTHER_HEALTH_FD],
];

/** The folder, and the paths of the files whose loss would lose changes. */
const paths: [path: string, cell: Header][] = [];

/** Returns the absolute path of the folder: workers may have another working folder. Phase: init_by_lua. */
export function absolute_folder(state_dir: string): string {
  const folder = from_prefix(state_dir);
  return string.sub(folder, 1, 1) === "/" ? folder : `${posix.working_folder() ?? "."}/${folder}`;
}

/** Records the path of the folder. Phase: init_by_lua, at a start and at a reload. */
export function use_folder(folder: string): void {
  paths.push([folder, Header.STATE_DIR_FD]);
  for (const [name, cell] of FILES) {
    if (string.sub(name, 1, 6) !== "health") paths.push([`${folder}/${name}`, cell]);
  }
}

/** Raises the reason why a file or folder cannot be used. */
function refuse(path: string, cause: string | undefined): never {
  return error(`could not open ${path}: ${cause ?? ""}`, 0);
}

function open_trusted(folder: number, path: string, name: string): number {
  const [fd, cause] = posix.open_file(folder, name);
  if (fd === undefined) return refuse(path, cause);
  const flaw = flaw_of(fd, "file");
  return flaw === undefined ? fd : refuse(path, flaw);
}

/** Describes the holder of the folder: this nginx itself if a reload has found a new, empty shared dict. */
function holder_of(lock: number): string {
  if (count_openings(lock) < 2) return "another nginx uses it";
  return (
    "this nginx uses it already, with another lua_shared_dict: " +
    "the dict's name and size cannot be changed by a reload: restart nginx"
  );
}

/** Opens or creates the files, and locks the folder. Phase: init_by_lua. Raises a text on failure. */
export function open_files(state_dir: string): void {
  const memory = shared_memory();
  const [made, cause] = posix.make_directory(state_dir);
  if (made === undefined) error(`could not make ${state_dir}: ${cause ?? ""}`, 0);
  const [folder, unopened] = posix.open_folder(state_dir);
  if (folder === undefined) return refuse(state_dir, unopened);
  const flaw = flaw_of(folder, "folder");
  if (flaw !== undefined) refuse(state_dir, flaw);
  memory[Header.STATE_DIR_FD] = folder;
  for (const [name, cell] of FILES) {
    memory[cell] = open_trusted(folder, `${state_dir}/${name}`, name);
    if (cell === Header.STATE_LOCK_FD && posix.take_file(memory[cell])[0] === undefined)
      error(`could not take ${state_dir}: ${holder_of(memory[cell])}`, 0);
  }
}

/** The version of the folder when all of its paths led to their files. */
let checked: string | undefined;

/** Returns the version of the folder, which changes when a file is moved or removed; undefined: unknown. */
function folder_version(): string | undefined {
  if (paths.length === 0) return undefined;
  const [state] = state_of(paths[0][0]);
  return state?.version;
}

/** Returns which path no longer leads to its file, and the remedy; undefined: none. Any phase. */
export function displaced(): string | undefined {
  const version = folder_version();
  if (version !== undefined && version === checked) return undefined;
  const found = find_displaced();
  checked = found === undefined ? version : undefined;
  return found;
}

function find_displaced(): string | undefined {
  const memory = shared_memory();
  for (const [path, cell] of paths) {
    if (!is_at(path, memory[cell]))
      return `${path} was moved, removed or replaced while nginx runs: move it back, or restart nginx`;
  }
  return undefined;
}

let was_displaced = false;

/** Logs when a file is no longer at its path, and when all are back. Phase: timer. */
export function watch_files(): void {
  const cause = displaced();
  if (cause !== undefined && !was_displaced) ngx.log(ngx.WARN, `sluice: changes are refused: ${cause}`);
  if (cause === undefined && was_displaced) ngx.log(ngx.NOTICE, "sluice: state_dir is back");
  was_displaced = cause !== undefined;
}
