import { block, optional, required, type ConfigOf } from "../../config/block";
import { refuse, type Read } from "../../config/reader";
import { read_string } from "../../config/values";
import { encode, encode_over, is_table } from "../../lib/json";
import { no_pause } from "../../lib/pause";
import type { Result } from "../../lib/result";
import { open_line } from "../disk/first_line";
import { seal, seal_parts } from "../disk/sealed";
import type { Stored } from "../document/document";
import { read_iso8601, read_whole } from "../document/readers";
import { read_change, type ReadChange } from "../document/saved";

/**
 * The lines of the history. Pure.
 *
 * Each change has a line for each of its upstreams, and then a line about the whole. The last line says how
 * long the others are, so that one who reads from the end can skip them. The line of an upstream holds the
 * line of the journal, and the line that would undo it.
 */

/** The last line of a change. */
const SUMMARY = block({
  revision: required(read_whole),
  time: required(read_iso8601),
  author: required(read_string),
  origin: optional(read_string),
  comment: optional(read_string),
  request_id: optional(read_string),
  /** The size of the lines of the upstreams. */
  bytes: required(read_whole),
  /** The number of changes of upstreams' configurations in this file so far. */
  changes: required(read_whole),
});
export type Summary = Stored<ConfigOf<typeof SUMMARY>>;

/** A change of an upstream: what it made of it, and what would undo it. */
export interface PastChange {
  now: ReadChange;
  was: ReadChange;
  /** The number of servers that stayed as they were. */
  kept: number;
}

/** Returns the last line of a change. */
export function summary_line(summary: Summary): string {
  return seal(encode_over(summary, {}, SUMMARY.shape));
}

/** Returns the line of an upstream. `now` and `was` are lines of the journal without their checksums. */
export function upstream_line(kept: number, now: string, was: string): string {
  return seal_parts([string.format('{"kept":%d,"now":', kept), now, ',"was":', was], no_pause);
}

/** Reads the last line of a change. Returns undefined and the flaw of a damaged line. */
export function read_summary(line: string): Result<Summary> {
  const [value, damage] = open_line(line, true);
  if (value === undefined) return $multi(undefined, damage);
  value.crc = undefined;
  const [summary, problem] = SUMMARY.read("", value);
  return $multi(summary, problem?.text);
}

function read_part(value: Record<string, unknown>, name: "now" | "was"): Read<ReadChange> {
  const part = value[name];
  if (!is_table(part)) return refuse(name, "must be an object");
  return read_change(part);
}

/** Reads the line of an upstream. Returns undefined and the flaw of a damaged line. */
export function read_upstream_line(line: string): Result<PastChange> {
  const [value, damage] = open_line(line, true);
  if (value === undefined) return $multi(undefined, damage);
  const [now, bad_now] = read_part(value, "now");
  if (now === undefined) return $multi(undefined, bad_now?.text);
  const [was, bad_was] = read_part(value, "was");
  if (was === undefined) return $multi(undefined, bad_was?.text);
  const [kept, bad_kept] = read_whole("kept", value.kept);
  if (kept === undefined) return $multi(undefined, bad_kept?.text);
  return $multi({ now, was, kept }, undefined);
}

/** Returns false if a line is certainly not about an upstream, without decoding it. */
export function may_be_of(line: string, name: string): boolean {
  return string.find(line, `"upstream":${encode(name)}`, 1, true)[0] !== undefined;
}
