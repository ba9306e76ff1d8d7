import type { MethodName } from "../config/upstream";
import { decode, encode, is_table, list, shape, shaped } from "../lib/json";
import {
  format_line,
  parse_line,
  restored_server,
  STORED_FIELDS,
  stored_server,
  type Document,
  type ServerRecord,
} from "./document";
import type { Difference } from "./difference";

/**
 * The text on disk, pure: what one change is as a line, and what lines make of a state. The journal and the image
 * are of the same lines; the image begins with its revision and ends by repeating it.
 */

/** A server on disk: all but its place in memory. */
interface SavedServer {
  id: number;
  incarnation: number;
  server: string;
}

/** One line: an upstream's change, or its end. Servers that it does not name stay as they were. */
interface Change {
  revision: number;
  upstream: string;
  deleted?: boolean;
  method?: MethodName;
  next_id?: number;
  put?: SavedServer[];
  remove?: number[];
}

/** An upstream as the lines leave it. */
export interface SavedUpstream {
  revision: number;
  next_id: number;
  method: MethodName;
  servers: LuaTable<number, ServerRecord>;
}

/** A state as the lines leave it. */
export interface SavedState {
  revision: number;
  upstreams: LuaTable<string, SavedUpstream>;
}

const CHANGE_SHAPE = shape(["revision", "upstream", "deleted", "method", "next_id", "put", "remove"]);
const SAVED_SERVER_SHAPE = shape(["id", "incarnation", ...STORED_FIELDS]);

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
  const { revision, method, next_id } = document;
  return change_line({ revision, upstream: name, method, next_id, put: list(put), remove: list(remove) });
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

/** Makes an empty state, at revision 0. */
export function empty_state(): SavedState {
  return { revision: 0, upstreams: new LuaTable() };
}

function parse_change(line: string): Change | undefined {
  const [value] = decode(line);
  if (!is_table(value)) return undefined;
  const change = value as unknown as Change;
  if (typeof change.revision !== "number" || typeof change.upstream !== "string") return undefined;
  if (change.deleted === true) return change;
  const whole =
    type(change.method) === "string" &&
    type(change.next_id) === "number" &&
    is_table(change.put) &&
    is_table(change.remove);
  return whole ? change : undefined;
}

function apply(state: SavedState, change: Change): boolean {
  if (change.deleted === true) {
    state.upstreams.delete(change.upstream);
    return true;
  }
  const upstream: SavedUpstream = state.upstreams.get(change.upstream) ?? {
    revision: 0,
    next_id: 0,
    method: "round_robin",
    servers: new LuaTable(),
  };
  for (const id of change.remove ?? []) upstream.servers.delete(id);
  for (const saved of change.put ?? []) {
    if (
      type(saved.id) !== "number" ||
      type(saved.incarnation) !== "number" ||
      type(saved.server) !== "string"
    ) {
      return false;
    }
    const record = restored_server(saved) as ServerRecord;
    record.id = saved.id;
    record.incarnation = saved.incarnation;
    upstream.servers.set(saved.id, record);
  }
  upstream.revision = change.revision;
  upstream.method = change.method ?? upstream.method;
  upstream.next_id = change.next_id ?? upstream.next_id;
  state.upstreams.set(change.upstream, upstream);
  return true;
}

/** Leaves out what the image holds already: upstreams go on changing while it is written. */
function apply_once(state: SavedState, change: Change): boolean {
  const upstream = state.upstreams.get(change.upstream) as SavedUpstream | undefined;
  if (upstream !== undefined && upstream.revision >= change.revision) return true;
  return apply(state, change);
}

/** The revision of a journal's first line; undefined when it has none. */
export function first_revision(text: string): number | undefined {
  const [revision] = string.match(text, '^{"revision":(%d+),');
  return tonumber(revision);
}

/**
 * Applies a whole image to an empty state.
 *
 * @returns true, or undefined and which line cannot be read
 */
export function apply_image(
  state: SavedState,
  text: string,
): LuaMultiReturn<[true | undefined, string | undefined]> {
  let number = 0;
  for (const [line] of string.gmatch(text, "([^\n]*)\n")) {
    number += 1;
    const edge = number === 1 || string.find(line, '{"end":', 1, true)[0] === 1;
    const change = edge ? undefined : parse_change(line);
    if (!edge && (change === undefined || !apply(state, change))) {
      return $multi(undefined, `line ${number} cannot be read`);
    }
  }
  state.revision = image_revision(text) as number;
  return $multi(true, undefined);
}

/**
 * Applies a journal. A last line without its end was never acknowledged and is left out; any other line that
 * cannot be read, or that does not follow the one before it, is an error.
 *
 * @returns how many bytes of the journal count, or undefined and which line is wrong
 */
export function apply_journal(
  state: SavedState,
  text: string,
): LuaMultiReturn<[number | undefined, string | undefined]> {
  let number = 0;
  let bytes = 0;
  for (const [line] of string.gmatch(text, "([^\n]*)\n")) {
    number += 1;
    bytes += line.length + 1;
    const change = parse_change(line);
    if (change === undefined) return $multi(undefined, `line ${number} cannot be read`);
    // Lines of before the image: a crash came before they were cut.
    if (change.revision > state.revision) {
      if (change.revision !== state.revision + 1) {
        return $multi(undefined, `line ${number} has revision ${change.revision} after ${state.revision}`);
      }
      if (!apply_once(state, change)) return $multi(undefined, `line ${number} cannot be read`);
      state.revision = change.revision;
    }
  }
  return $multi(bytes, undefined);
}

/** The document of a saved upstream. `allocate` gives its servers and itself a row, or undefined when none is left. */
export function to_document(
  saved: SavedUpstream,
  allocate: (this: void, stamp: number) => number | undefined,
): Document | undefined {
  const ids: number[] = [];
  for (const [id] of pairs(saved.servers)) ids.push(id);
  table.sort(ids);
  const lines: string[] = [];
  for (const id of ids) {
    const record = saved.servers.get(id);
    const server_row = allocate(record.incarnation);
    if (server_row === undefined) return undefined;
    record.row = server_row;
    lines.push(format_line(record));
  }
  const row = allocate(saved.revision);
  if (row === undefined) return undefined;
  return { revision: saved.revision, next_id: saved.next_id, row, method: saved.method, leavers: [], lines };
}
