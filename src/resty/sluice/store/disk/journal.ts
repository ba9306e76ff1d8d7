import { encode, list, raw, shape, shaped } from "../../lib/json";
import { rest, rest_now } from "../../lib/rest";
import type { Difference } from "../document/difference";
import { encode_on, type Document } from "../document/document";
import { STORED_FIELDS, stored_server, type ServerRecord } from "../document/line";
import { CHANGE_FIELDS } from "../document/saved";
import { add_to_total, FORMAT, new_total, seal, seal_parts, total_digits, type Total } from "./sealed";

/**
 * The lines of the journals and the images. Pure.
 *
 * Both hold in each line one change, or the changes that were made together. The first line of a journal
 * names the revision that its first change follows. The first line of an image names its revision. Its last
 * line repeats the revision, and holds the number of lines, the checksum of all of them, and the highest
 * revision that the image may hold.
 */

interface WrittenServer {
  id: number;
  incarnation: number;
  server: string;
}

/** The deletion of an upstream. */
interface Deletion {
  revision: number;
  upstream: string;
  deleted: true;
  /** The upstream is a seed, and `setup` must not create it again. */
  seed?: true;
}

const CHANGE_SHAPE = shape(...CHANGE_FIELDS);
const SERVER_SHAPE = shape(["id", "incarnation"], STORED_FIELDS);

function written_server(record: ServerRecord): WrittenServer {
  const saved = stored_server(record) as unknown as WrittenServer;
  saved.id = record.id;
  saved.incarnation = record.incarnation;
  return shaped(saved, SERVER_SHAPE);
}

/** The lines that are rewritten in one step. */
const LINES_A_STEP = 256;

/**
 * Returns the servers of lines as a JSON list. Only the numbers before the parameters are rewritten, whose
 * order is that of `SERVER_SHAPE`. No line feed is in the parameters.
 */
function written_lines(lines: readonly string[]): object {
  const pieces: string[] = [];
  for (const first of $range(1, lines.length, LINES_A_STEP)) {
    const last = math.min(first + LINES_A_STEP - 1, lines.length);
    const text = `\n${table.concat(lines as string[], "\n", first, last)}`;
    pieces.push(string.gsub(text, "\n(%d+) (%d+) %d+ {", ',{"id":%1,"incarnation":%2,')[0]);
    rest_now();
  }
  return raw(`[${string.sub(table.concat(pieces), 2)}]`);
}

/**
 * Returns a change as JSON: the upstream's document now, and the servers that differ. The others stay as they
 * were. It is the only content of its line, or one of the list `changes`: all of them make the same revision.
 */
export function change_text(
  name: string,
  document: Document,
  { added, removed, added_lines }: Difference,
): string {
  const kept = new LuaSet<number>();
  for (const { id } of added) {
    kept.add(id);
    rest();
  }
  const put =
    added_lines === undefined
      ? list(added.map((record) => written_server(record)))
      : written_lines(added_lines);
  const remove: number[] = [];
  for (const { id } of removed) {
    if (!kept.has(id)) remove.push(id);
    rest();
  }
  return encode_on(document, { upstream: name, put, remove: list(remove) }, CHANGE_SHAPE);
}

/** Returns a deletion as JSON. `is_seed`: the upstream is a seed. */
export function deletion_text(name: string, revision: number, is_seed: boolean): string {
  const change: Deletion = { revision, upstream: name, deleted: true };
  if (is_seed) change.seed = true;
  return encode(shaped(change, CHANGE_SHAPE));
}

/** Returns the line of the changes that make a revision. */
export function format_changes(
  revision: number,
  texts: readonly string[],
  pause: (this: void) => void,
): string {
  if (texts.length === 1) return seal(texts[0]);
  const parts = [string.format('{"revision":%d,"changes":[', revision)];
  for (const text of texts) {
    parts.push(text);
    parts.push(",");
  }
  parts[parts.length - 1] = "]";
  return seal_parts(parts, pause);
}

const START = shape(["sluice", "format", "follows"]);
const IMAGE_START = shape(["sluice", "format", "revision"]);
const IMAGE_END = shape(["end", "until", "lines", "sum"]);

/** Returns the first line of a journal. */
export function format_journal_start(follows: number): string {
  return format_start("journal", follows);
}

/** Returns the first line of a file of changes after the revision `follows`. */
export function format_start(kind: "journal" | "history", follows: number): string {
  return seal(encode(shaped({ sluice: kind, format: FORMAT, follows }, START)));
}

/** The state of an image that is written line by line. */
export interface ImageWriter {
  revision: number;
  total: Total;
}

/** Starts an image. Returns its writer and its first line. */
export function start_image(revision: number): LuaMultiReturn<[ImageWriter, string]> {
  const writer: ImageWriter = { revision, total: new_total() };
  const start = seal(encode(shaped({ sluice: "image", format: FORMAT, revision }, IMAGE_START)));
  add_to_total(writer.total, string.sub(start, 1, -2));
  return $multi(writer, start);
}

/** Returns the line of an upstream in an image. */
export function format_in_image(writer: ImageWriter, name: string, document: Document): string {
  const line = seal(change_text(name, document, { added: [], removed: [], added_lines: document.lines }));
  add_to_total(writer.total, string.sub(line, 1, -2));
  return line;
}

/** Returns the line of a deleted seed in an image. */
export function format_deleted_seed(writer: ImageWriter, name: string): string {
  const line = seal(deletion_text(name, writer.revision, true));
  add_to_total(writer.total, string.sub(line, 1, -2));
  return line;
}

/** Returns the last line of an image. Upstreams can change meanwhile: it holds them `until` a revision. */
export function end_image({ revision, total }: ImageWriter, until: number): string {
  const end = { end: revision, until, lines: total.lines, sum: total_digits(total) };
  return seal(encode(shaped(end, IMAGE_END)));
}
