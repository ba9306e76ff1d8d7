import type { Result } from "../../lib/result";
import { whole_lines } from "../../lib/text";
import { read_start } from "../disk/first_line";
import { Header } from "../memory/header_cells";
import * as posix from "../memory/posix";
import { shared_memory } from "../memory/region";
import { history_file } from "./files";
import { may_be_of, read_summary, read_upstream_line, type PastChange, type Summary } from "./lines";

/** Reads the history from its end, while others append to it. */

/** More than most lines about a change as a whole. */
const TAIL_BYTES = 1024;
/** More than the first line of a file. */
const START_BYTES = 256;

/** An entry, and where it is. */
export interface Entry extends Summary {
  fd: number;
  /** Where its lines about upstreams begin and end. */
  from: number;
  to: number;
}

/** Returns the last line that ends at the offset `end`, without its end; undefined: there is none. */
export function line_before(fd: number, end: number): Result<string> {
  let bytes = TAIL_BYTES;
  while (true) {
    const from = math.max(0, end - bytes);
    const [text, cause] = posix.read_at(fd, end - from, from);
    if (text === undefined) return $multi(undefined, cause);
    const [line] = string.match(text, "\n([^\n]*)\n$");
    if (line !== undefined) return $multi(line, undefined);
    if (from === 0) return $multi(undefined, "there is no line");
    bytes *= 4;
  }
}

/** Returns where the first line of a file ends, and the revision that its first change follows. */
export function start_of(fd: number, bytes: number): LuaMultiReturn<[end: number, follows: number] | []> {
  const [text] = posix.read_at(fd, math.min(bytes, START_BYTES), 0);
  const [start] = read_start(text ?? "", "history");
  if (text === undefined || start === undefined) return $multi();
  return $multi(string.find(text, "\n", 1, true)[0], start.revision);
}

/** Returns the entry that ends at an offset. */
export function entry_before(fd: number, end: number): Result<Entry> {
  const [line, cause] = line_before(fd, end);
  if (line === undefined) return $multi(undefined, cause);
  const [summary, flaw] = read_summary(line);
  if (summary === undefined) return $multi(undefined, flaw);
  const to = end - line.length - 1;
  if (summary.bytes > to) return $multi(undefined, "it is longer than the file");
  return $multi({ ...summary, fd, from: to - summary.bytes, to }, undefined);
}

/** A reading of the history, from the newest entry to older ones. */
export interface Reading {
  index: number;
  /** Where the next entry ends. */
  end: number;
  /** The revision of the next entry; undefined: this is the first one. */
  expected: number | undefined;
  /** Why older entries cannot be read; undefined: they can, or there are none. */
  flaw: string | undefined;
}

/** Begins at the newest entry. */
export function begin_reading(): Reading {
  const index = shared_memory()[Header.HISTORY];
  const [, bytes] = history_file(index);
  return { index, end: bytes, expected: undefined, flaw: undefined };
}

/** Returns the next older entry; undefined: there is none, or `flaw` says why it cannot be read. */
export function next_entry(reading: Reading): Entry | undefined {
  if (is_over(reading)) return undefined;
  if (is_at_start(reading) && (!change_to_older(reading) || is_over(reading))) return undefined;
  return take(reading);
}

/** Tells whether a reading has reached the beginning, which moves when older entries are forgotten. */
function is_over({ expected, flaw }: Reading): boolean {
  return flaw !== undefined || (expected !== undefined && expected <= shared_memory()[Header.HISTORY_START]);
}

/** Tells whether a file has no earlier entry than those that were read. */
function is_at_start({ index, end }: Reading): boolean {
  const [fd, bytes] = history_file(index);
  const [start] = bytes === 0 ? [0] : start_of(fd, bytes);
  return start !== undefined && end <= start;
}

/** Goes on in the older file. Returns false if this is the older file. */
function change_to_older(reading: Reading): boolean {
  const memory = shared_memory();
  if (reading.index !== memory[Header.HISTORY]) return false;
  reading.index = 1 - reading.index;
  reading.end = history_file(reading.index)[1];
  reading.expected = memory[Header.HISTORY_FOLLOWS];
  return reading.end > 0;
}

function take(reading: Reading): Entry | undefined {
  const [entry, flaw] = entry_before(history_file(reading.index)[0], reading.end);
  // Older entries may have been forgotten while this one was read.
  if (is_over(reading)) return undefined;
  const { expected } = reading;
  if (entry === undefined) reading.flaw = flaw;
  else if (expected !== undefined && entry.revision !== expected) reading.flaw = "entries are missing";
  if (entry === undefined || reading.flaw !== undefined) return undefined;
  reading.expected = entry.revision - 1;
  reading.end = entry.from;
  return entry;
}

/**
 * Reads the changes of an entry. Returns undefined and the flaw of a damaged line. Phases that can sleep.
 *
 * @param name the only upstream that is wanted; undefined: all
 */
export function changes_in(
  { fd, from, to }: Entry,
  name: string | undefined,
  pause: (this: void) => void,
): Result<PastChange[]> {
  const changes: PastChange[] = [];
  const [text, unreadable] = posix.read_at(fd, to - from, from);
  if (text === undefined) return $multi(undefined, unreadable);
  for (const line of whole_lines(text)) {
    if (name === undefined || may_be_of(line, name)) {
      const [change, flaw] = read_upstream_line(line);
      if (change === undefined) return $multi(undefined, flaw);
      if (name === undefined || change.now.upstream === name) changes.push(change);
    }
    pause();
  }
  return $multi(changes, undefined);
}
