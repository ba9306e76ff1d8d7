import { SERVER_DEFAULTS } from "../../../src/resty/sluice/config/server";
import { read_start } from "../../../src/resty/sluice/store/disk/first_line";
import { format_journal_start } from "../../../src/resty/sluice/store/disk/journal";
import {
  apply_image,
  apply_journal,
  empty_state,
  to_document,
  type LineFile,
  type SavedState,
} from "../../../src/resty/sluice/store/disk/replay";
import { difference } from "../../../src/resty/sluice/store/document/difference";
import type { Document } from "../../../src/resty/sluice/store/document/document";
import { format_line } from "../../../src/resty/sluice/store/document/line";
import type { RowNumber } from "../../../src/resty/sluice/store/memory/cells";
import { format_change, format_deletion } from "./journal_lines";

/** Texts of journals and images, and the states that they restore. */

/** The row of all saved objects. Files do not contain rows. */
const SAVED_ROW = 5 as RowNumber;
/** The row of all restored objects. */
const RESTORED_ROW = 1 as RowNumber;

/** Returns the line of a server, 10.0.0.1:80 for the id 0. */
export function line(id: number, incarnation: number, weight = 1, row = SAVED_ROW): string {
  return format_line({ ...SERVER_DEFAULTS, id, incarnation, row, server: `10.0.0.${id + 1}:80`, weight });
}

/** Returns the line of a restored server. */
export function restored_line(id: number, incarnation: number, weight = 1): string {
  return line(id, incarnation, weight, RESTORED_ROW);
}

export function document(revision: number, next_id = 0, lines: string[] = []): Document {
  return { revision, next_id, row: RESTORED_ROW, method: "round_robin", leavers: [], lines };
}

export const A = line(0, 1);
export const B = line(1, 1);
export const C = line(2, 2);
export const A_HEAVY = line(0, 1, 9);
const A_AGAIN = line(0, 6);

/** Changes of each kind, as lines of a journal. */
export const CHANGES = [
  format_change("app", document(1, 2, [A, B]), difference([], [A, B])),
  format_change("app", document(2, 3, [A, B, C]), difference([A, B], [A, B, C])),
  format_change("app", document(3, 3, [A_HEAVY, C]), difference([A, B, C], [A_HEAVY, C])),
  format_change("two", document(4), difference([], [])),
  format_deletion("app", 5, false),
  format_change("app", document(6, 1, [A_AGAIN]), difference([], [A_AGAIN])),
];
export const JOURNAL_START = format_journal_start(0);
export const JOURNAL = table.concat(CHANGES);

export function file_of(kind: "journal" | "image", text: string): LineFile {
  const [start, flaw] = read_start(text, kind);
  return { path: kind, text, start: start ?? error(flaw ?? "no first line", 0) };
}

/**
 * Loads a journal, given without its first line. Also returns the number of valid bytes of the given lines.
 */
export function load_journal(
  text: string,
): LuaMultiReturn<[SavedState, number | undefined, string | undefined]> {
  const state = empty_state();
  const [applied, cause] = apply_journal(state, file_of("journal", JOURNAL_START + text));
  return $multi(state, applied === undefined ? undefined : applied.bytes - JOURNAL_START.length, cause);
}

/** Loads an image. Also returns the revision of its last line. */
export function load_image(
  text: string,
): LuaMultiReturn<[SavedState, number | undefined, string | undefined]> {
  const state = empty_state();
  const [until, cause] = apply_image(state, file_of("image", text));
  return $multi(state, until, cause);
}

/** Returns the loaded upstreams by name. */
export function restored({ upstreams }: SavedState): Record<string, Document | undefined> {
  const documents: Record<string, Document | undefined> = {};
  for (const [name, saved] of pairs(upstreams)) [documents[name]] = to_document(saved, () => RESTORED_ROW);
  return documents;
}

/** Returns the upstreams as `upstream@revision: server, server; …`, in the order of names and ids. */
export function describe_documents(documents: Record<string, Document | undefined>): string {
  const parts: string[] = [];
  for (const [name, found] of pairs(documents as Record<string, Document>))
    parts.push(`${name}@${found.revision}: ${table.concat(found.lines, ", ")}`);
  table.sort(parts);
  return table.concat(parts, "; ");
}

export function describe_state(state: SavedState): string {
  return describe_documents(restored(state));
}

/** Calls a function with copies of a text, each with one flipped bit. */
export function with_each_bit_flipped(text: string, use: (this: void, damaged: string) => void): void {
  for (const position of $range(1, text.length)) {
    const byte = string.byte(text, position);
    for (const bit of [1, 2, 4, 8, 16, 32, 64, 128]) {
      const flipped = string.char(byte ^ bit);
      use(string.sub(text, 1, position - 1) + flipped + string.sub(text, position + 1));
    }
  }
}
