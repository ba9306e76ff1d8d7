import { SETTINGS_FIELDS, settings_of, type UpstreamSettings } from "../config/settings";
import { decode, encode, is_table, list, shape, shaped } from "../lib/json";
import {
  BOOKKEEPING_FIELDS,
  bookkeeping_of,
  parse_line,
  STORED_FIELDS,
  stored_server,
  type Bookkeeping,
  type Document,
} from "./document";
import type { Difference } from "./difference";
import { is_secret } from "./secret";

/**
 * The text on disk, pure: what one change is as a line. The journal and the image are of the same lines; the image
 * begins with its revision and ends by repeating it.
 */

/** A server on disk: all but its place in memory. */
interface SavedServer {
  id: number;
  incarnation: number;
  server: string;
}

/**
 * One line: an upstream's change, or its end. It says all of the upstream's settings; servers that it does not
 * name stay as they were.
 */
export interface Change extends Partial<UpstreamSettings>, Partial<Bookkeeping> {
  revision: number;
  upstream: string;
  deleted?: boolean;
  put?: SavedServer[];
  remove?: number[];
}

const CHANGE_SHAPE = shape(["revision", "upstream", "deleted"], SETTINGS_FIELDS, BOOKKEEPING_FIELDS, [
  "put",
  "remove",
]);
const SAVED_SERVER_SHAPE = shape(["id", "incarnation"], STORED_FIELDS);

function saved_server(line: string): SavedServer {
  const record = parse_line(line);
  const saved = stored_server(record) as unknown as SavedServer;
  saved.id = record.id;
  saved.incarnation = record.incarnation;
  return shaped(saved, SAVED_SERVER_SHAPE);
}

function change_line(change: Change): string {
  return `${encode(shaped(change, CHANGE_SHAPE))}\n`;
}

/** The line of an upstream's change: its document now, and the server lines that were added and removed. */
export function format_change(name: string, document: Document, changed: Difference): string {
  const put: SavedServer[] = [];
  const kept = new LuaSet<number>();
  for (const line of changed.added) {
    const saved = saved_server(line);
    kept.add(saved.id);
    put.push(saved);
  }
  const remove: number[] = [];
  for (const line of changed.removed) {
    const { id } = parse_line(line);
    if (!kept.has(id)) remove.push(id);
  }
  return change_line({
    ...settings_of(document),
    ...bookkeeping_of(document),
    revision: document.revision,
    upstream: name,
    put: list(put),
    remove: list(remove),
  });
}

/** The line of an upstream's end. */
export function format_deletion(name: string, revision: number): string {
  return change_line({ revision, upstream: name, deleted: true });
}

/** The first line of an image. */
export function format_image_start(revision: number): string {
  return `${encode({ image: revision })}\n`;
}

/** The last line of an image, without which it does not count. */
export function format_image_end(revision: number): string {
  return `${encode({ end: revision })}\n`;
}

/** The revision of a whole image; undefined when `text` is none. */
export function image_revision(text: string): number | undefined {
  const [start] = string.match(text, '^{"image":(%d+)}\n');
  const [end] = string.match(string.sub(text, -64), '\n{"end":(%d+)}\n$');
  return start !== undefined && start === end ? tonumber(start) : undefined;
}

/** Reads the line of an upstream's change or end; undefined when it is none. */
export function parse_change(line: string): Change | undefined {
  const [value] = decode(line);
  if (!is_table(value)) return undefined;
  const change = value as unknown as Change;
  if (typeof change.revision !== "number" || typeof change.upstream !== "string") return undefined;
  if (change.deleted === true) return change;
  const whole =
    type(change.method) === "string" &&
    type(change.next_id) === "number" &&
    (change.session_secret === undefined || is_secret(change.session_secret)) &&
    is_table(change.put) &&
    is_table(change.remove);
  return whole ? change : undefined;
}

/** The revision of a journal's first line; undefined when it has none. */
export function first_revision(text: string): number | undefined {
  const [revision] = string.match(text, '^{"revision":(%d+),');
  return tonumber(revision);
}
