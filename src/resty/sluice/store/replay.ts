import { read_settings, settings_of, type UpstreamSettings } from "../config/settings";
import { is_table } from "../lib/json";
import {
  bookkeeping_of,
  format_line,
  restored_server,
  type Bookkeeping,
  type Document,
  type ServerRecord,
} from "./document";
import { image_revision, parse_change, type Change } from "./journal";

/** What the lines of the journal and the image make of a state. Pure. */

/** An upstream as the lines leave it. */
export interface SavedUpstream extends UpstreamSettings, Bookkeeping {
  revision: number;
  servers: LuaTable<number, ServerRecord>;
}

/** A state as the lines leave it. */
export interface SavedState {
  revision: number;
  upstreams: LuaTable<string, SavedUpstream>;
}

/** Makes an empty state, at revision 0. */
export function empty_state(): SavedState {
  return { revision: 0, upstreams: new LuaTable() };
}

function apply(state: SavedState, change: Change): boolean {
  if (change.deleted === true) {
    state.upstreams.delete(change.upstream);
    return true;
  }
  const [settings] = read_settings(change as unknown as Record<string, unknown>);
  if (settings === undefined) return false;
  const before = state.upstreams.get(change.upstream) as SavedUpstream | undefined;
  const upstream: SavedUpstream = {
    ...settings,
    ...bookkeeping_of(change as Bookkeeping),
    revision: change.revision,
    session_secret: change.session_secret ?? before?.session_secret,
    servers: before?.servers ?? new LuaTable(),
  };
  for (const id of change.remove ?? []) upstream.servers.delete(id);
  for (const saved of change.put ?? []) {
    if (
      !is_table(saved) ||
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
  state.upstreams.set(change.upstream, upstream);
  return true;
}

/** Leaves out what the image holds already: upstreams go on changing while it is written. */
function apply_once(state: SavedState, change: Change): boolean {
  const upstream = state.upstreams.get(change.upstream) as SavedUpstream | undefined;
  if (upstream !== undefined && upstream.revision >= change.revision) return true;
  return apply(state, change);
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
  allocate: (this: void, stamp: number, id?: number) => number | undefined,
): Document | undefined {
  const ids: number[] = [];
  for (const [id] of pairs(saved.servers)) ids.push(id);
  table.sort(ids);
  const lines: string[] = [];
  for (const id of ids) {
    const record = saved.servers.get(id);
    const server_row = allocate(record.incarnation, id);
    if (server_row === undefined) return undefined;
    record.row = server_row;
    lines.push(format_line(record));
  }
  const row = allocate(saved.revision);
  if (row === undefined) return undefined;
  const { revision } = saved;
  return { ...settings_of(saved), ...bookkeeping_of(saved), revision, row, leavers: [], lines };
}
