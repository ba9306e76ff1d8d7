import { decode, is_table } from "../../lib/json";
import { is_whole } from "../document/saved";
import { FORMAT, has_seal, is_intact } from "./sealed";

/** Reads lines of journals and images, and what their first lines say. Pure. */

/** What a file is. */
export type Kind = "journal" | "image";

/** What the first line of a journal or an image says. */
export interface Start {
  /** False: version 0.1.0 has written the file, without checksums. */
  is_sealed: boolean;
  /** Of an image: its revision. Of a journal: the revision that its first change follows. */
  revision: number;
}

/** What is wrong with a line that has been changed or torn. */
const DAMAGED = "the line is damaged: its checksum is missing or does not match";

/** Reads a line, without its end, as a JSON object. Returns undefined and what is wrong with the line. */
export function open_line(
  line: string,
  is_sealed: boolean,
): LuaMultiReturn<[Record<string, unknown> | undefined, string | undefined]> {
  // An unsealed file has no checksums: a line with one is of a file whose first lines are lost.
  if (is_sealed ? !is_intact(line) : has_seal(line)) return $multi(undefined, DAMAGED);
  const [value] = decode(line);
  if (!is_table(value)) return $multi(undefined, "the line is not a JSON object");
  return $multi(value, undefined);
}

/** The first line of version 0.1.0's journals was a change. */
function old_start(line: string, kind: Kind): Start | undefined {
  if (has_seal(line)) return undefined;
  if (kind === "image") {
    const [revision] = string.match(line, '^{"image":(%d+)}$');
    return revision === undefined ? undefined : { is_sealed: false, revision: tonumber(revision) as number };
  }
  const [revision] = string.match(line, '^{"revision":(%d+),');
  return revision === undefined
    ? undefined
    : { is_sealed: false, revision: (tonumber(revision) as number) - 1 };
}

/**
 * Reads the first line of a file.
 *
 * @returns what it says; or undefined and what is wrong with it; or undefined twice: the file is empty, or
 * not even its first line was finished
 */
export function read_start(
  text: string,
  kind: Kind,
): LuaMultiReturn<[Start | undefined, string | undefined]> {
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
