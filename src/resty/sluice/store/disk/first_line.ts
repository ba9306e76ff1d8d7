import { decode, is_table } from "../../lib/json";
import type { Result } from "../../lib/result";
import { is_whole } from "../document/readers";
import { FORMAT, has_seal, is_intact } from "./sealed";

/** Reads lines of the files in `state_dir`, and their first lines. Pure. */

/** The kinds of files. */
export type Kind = "journal" | "image" | "history";

/** The content of the first line of a file. */
export interface Start {
  /** False: version 0.1.0 wrote the file, without checksums. */
  is_sealed: boolean;
  /** An image: its revision. Otherwise the revision that the first change follows. */
  revision: number;
}

/** The flaw of a line that was changed or torn. */
const DAMAGED = "the line is damaged: its checksum is missing or does not match";

/** Checks the checksum of a line, without its end. Returns the flaw if it is damaged. */
export function damage_of(line: string, is_sealed: boolean): string | undefined {
  // An unsealed file has no checksums. A line with one belongs to a file whose first lines are lost.
  return (is_sealed ? is_intact(line) : !has_seal(line)) ? undefined : DAMAGED;
}

/** Parses a line as a JSON object. Returns undefined and the flaw when it is none. */
export function parse_line(line: string): Result<Record<string, unknown>> {
  const [value] = decode(line);
  if (!is_table(value)) return $multi(undefined, "the line is not a JSON object");
  return $multi(value, undefined);
}

/** Checks and parses a line, without its end. Returns undefined and the flaw when it cannot. */
export function open_line(line: string, is_sealed: boolean): Result<Record<string, unknown>> {
  const damage = damage_of(line, is_sealed);
  if (damage !== undefined) return $multi(undefined, damage);
  return parse_line(line);
}

/** In version 0.1.0 the first line of a journal was a change. It had no history. */
function old_start(line: string, kind: Kind): Start | undefined {
  if (has_seal(line) || kind === "history") return undefined;
  if (kind === "image") {
    const [revision] = string.match(line, '^{"image":(%d+)}$');
    return revision === undefined ? undefined : { is_sealed: false, revision: tonumber(revision) as number };
  }
  const [revision] = string.match(line, '^{"revision":(%d+),');
  return revision === undefined
    ? undefined
    : { is_sealed: false, revision: (tonumber(revision) as number) - 1 };
}

/** Reads a file's first line. Undefined without a flaw: the file is empty, or the line was not finished. */
export function read_start(text: string, kind: Kind): Result<Start> {
  const [line] = string.match(text, "^([^\n]*)\n");
  if (line === undefined) return $multi(undefined, undefined);
  const old = old_start(line, kind);
  if (old !== undefined) return $multi(old, undefined);
  const [value, flaw] = open_line(line, true);
  if (value === undefined) return $multi(undefined, flaw);
  const { sluice, format } = value;
  if (sluice !== kind) return $multi(undefined, `not the first line of a file of this kind: ${kind}`);
  if (format !== FORMAT)
    return $multi(
      undefined,
      `the file has format ${tostring(format)}, and this version reads up to ${FORMAT}`,
    );
  const revision = kind === "image" ? value.revision : value.follows;
  if (!is_whole(revision, 0)) return $multi(undefined, "the revision is not a whole number");
  return $multi({ is_sealed: true, revision }, undefined);
}
