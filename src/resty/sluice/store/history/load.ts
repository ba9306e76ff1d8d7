import { Header } from "../memory/header_cells";
import * as posix from "../memory/posix";
import { shared_memory } from "../memory/region";
import { begin_anew, history_file } from "./files";
import { entry_before, start_of, type Entry } from "./reader";

/** Finds out, at a start, which part of the history's files counts. */

/** What a file holds up to a revision. */
interface Found {
  index: number;
  /** The revision that its first change follows, and that of its last one. */
  follows: number;
  last: number;
  bytes: number;
  changes: number;
}

const BLOCK_BYTES = 65536;

/** Returns the offset after the last line feed before `end`; 0: there is none. */
function end_of_line(fd: number, end: number): number {
  let to = end;
  while (to > 0) {
    const from = math.max(0, to - BLOCK_BYTES);
    const [text] = posix.read_at(fd, to - from, from);
    const [last] = string.find(text ?? "", "\n[^\n]*$");
    if (last !== undefined) return from + last;
    to = from;
  }
  return 0;
}

/** Returns the last entry of a file that ends at or before `end`; undefined: there is none. */
function last_entry(fd: number, start: number, end: number): LuaMultiReturn<[Entry | undefined, number]> {
  let at = end_of_line(fd, end);
  // The last entry may be unfinished: its last line is missing.
  while (at > start) {
    const [entry] = entry_before(fd, at);
    if (entry !== undefined && entry.from >= start) return $multi(entry, at);
    at = end_of_line(fd, at - 1);
  }
  return $multi(undefined, start);
}

/** Returns what a file holds of the changes up to `revision`; undefined: it is no file of a history. */
function find_in(index: number, revision: number): Found | undefined {
  const [fd] = history_file(index);
  const [start, follows] = start_of(fd, posix.file_size(fd));
  if (start === undefined || follows === undefined || follows > revision) return undefined;
  let [entry, end] = last_entry(fd, start, posix.file_size(fd));
  // What follows the state's revision was never acknowledged.
  while (entry !== undefined && entry.revision > revision) [entry, end] = last_entry(fd, start, entry.from);
  if (entry === undefined) return { index, follows, last: follows, bytes: start, changes: 0 };
  return { index, follows, last: entry.revision, bytes: end, changes: entry.changes };
}

function use(newest: Found, older: Found | undefined): void {
  const memory = shared_memory();
  memory[Header.HISTORY] = newest.index;
  memory[Header.HISTORY_0_BYTES + newest.index] = newest.bytes;
  memory[Header.HISTORY_CHANGES] = newest.changes;
  memory[Header.HISTORY_FOLLOWS] = newest.follows;
  memory[Header.HISTORY_LAST] = newest.last;
  const is_next = older !== undefined && older.last === newest.follows;
  memory[Header.HISTORY_START] = is_next ? older.follows : newest.follows;
  memory[Header.HISTORY_0_BYTES + 1 - newest.index] = is_next ? older.bytes : 0;
  // What does not count must not count at a later start either.
  for (const index of $range(0, 1)) {
    const [fd, bytes] = history_file(index);
    posix.cut_file(fd, bytes);
  }
}

/** Loads the history of the state at `revision`. Phase: init_by_lua, after the state was loaded. */
export function load_history(state_dir: string, revision: number): void {
  const [one, other] = [find_in(0, revision), find_in(1, revision)];
  const is_other_newer = other !== undefined && (one === undefined || other.last > one.last);
  const [newest, older] = is_other_newer ? [other, one] : [one, other];
  if (newest !== undefined) use(newest, older);
  if (newest !== undefined && newest.last === revision) return;
  begin_anew(revision);
  if (newest !== undefined)
    ngx.log(
      ngx.WARN,
      `sluice: ${state_dir}: the history ends at revision ${newest.last}, but the state has revision ` +
        `${revision}: the history begins anew`,
    );
}
