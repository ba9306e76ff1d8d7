import { check_fit } from "../../config/fit";
import type { UpstreamSettings } from "../../config/settings";
import { unknown_parameter } from "../../config/problem";
import { refuse, type Read } from "../../config/reader";
import { read_list } from "../../config/values";
import { is_table } from "../../lib/json";
import type { Result } from "../../lib/result";
import { whole_lines } from "../../lib/text";
import { keys_of, set_of } from "../../lib/tables";
import { is_local_id } from "../document/clustered";
import type { Bookkeeping, Document } from "../document/document";
import { line_with } from "../document/line";
import { is_whole } from "../document/readers";
import { read_change } from "../document/saved";
import type { RowNumber } from "../memory/cells";
import { damage_of, parse_line, type Start } from "./first_line";
import { loaded_change, type LoadedChange, type LoadedServer } from "./loaded";
import { new_line_reader } from "./plain_line";
import { add_to_total, is_intact, new_total, total_digits } from "./sealed";

/** Builds the state from the lines of an image and the journals. Pure. */

/** An upstream after the lines so far. */
export interface SavedUpstream {
  settings: UpstreamSettings;
  book: Bookkeeping;
  revision: number;
  servers: LuaTable<number, LoadedServer>;
  /** The file and line of its last change. */
  origin: string;
}

/** The state after the lines so far. */
export interface SavedState {
  revision: number;
  upstreams: LuaTable<string, SavedUpstream | undefined>;
  deleted_seeds: LuaSet<string>;
}

/** A file of lines. */
export interface LineFile {
  path: string;
  text: string;
  /** The content of its first line. */
  start: Start;
}

/** Returns an empty state, at revision 0. */
export function empty_state(): SavedState {
  return { revision: 0, upstreams: new LuaTable(), deleted_seeds: new LuaSet() };
}

/** Names a line of a file. */
export function line_of(path: string, number: number): string {
  return `${path}: line ${number}`;
}

function apply(state: SavedState, change: LoadedChange, origin: string): void {
  const { upstream: name, settings, book, revision } = change;
  if (settings === undefined) {
    state.upstreams.delete(name);
    if (change.is_seed) state.deleted_seeds.add(name);
    return;
  }
  state.deleted_seeds.delete(name);
  const before = state.upstreams.get(name);
  const servers = before?.servers ?? new LuaTable<number, LoadedServer>();
  for (const id of change.remove) servers.delete(id);
  for (const server of change.put) servers.set(server.id, server);
  const upstream: SavedUpstream = { settings, book, revision, servers, origin };
  const session_secret = before?.book.session_secret;
  if (session_secret !== undefined && book.session_secret === undefined)
    upstream.book = { ...book, session_secret };
  state.upstreams.set(name, upstream);
}

/** Checks the last line of an image. Returns its highest possible revision, or undefined and the flaw. */
function read_end(
  value: Record<string, unknown>,
  { revision, is_sealed }: Start,
  lines: number,
  sum: string,
): Result<number> {
  if (value.end !== revision) return $multi(undefined, "the last line has another revision than the first");
  if (!is_sealed) return $multi(revision, undefined);
  if (value.lines !== lines || value.sum !== sum)
    return $multi(undefined, `lines are missing or do not belong here: ${lines} were found`);
  if (!is_whole(value.until, revision)) return $multi(undefined, "the last line names no revision");
  return $multi(value.until, undefined);
}

/** Applies an image to an empty state. Returns the highest revision that the image may hold, or the flaw. */
export function apply_image(state: SavedState, { path, text, start }: LineFile): Result<number> {
  const read_plain = new_line_reader();
  const total = new_total();
  let number = 0;
  let bytes = 0;
  let until: number | undefined;
  let flaw: string | undefined;
  for (const line of whole_lines(text)) {
    number += 1;
    bytes += line.length + 1;
    if (until !== undefined) return $multi(undefined, `${line_of(path, number)}: a line after the last`);
    if (number > 1) {
      flaw = damage_of(line, start.is_sealed);
      const change = flaw === undefined && start.is_sealed ? read_plain(line) : undefined;
      if (change !== undefined) {
        flaw = apply_image_change(state, change, line_of(path, number));
      } else if (flaw === undefined) {
        const [value, no_object] = parse_line(line);
        if (value === undefined) flaw = no_object;
        else if (value.end === undefined) flaw = apply_image_line(state, value, line_of(path, number));
        else [until, flaw] = read_end(value, start, total.lines, total_digits(total));
      }
      if (flaw !== undefined) return $multi(undefined, `${line_of(path, number)}: ${flaw}`);
    }
    if (start.is_sealed) add_to_total(total, line);
  }
  if (until === undefined || bytes < text.length)
    return $multi(undefined, `${line_of(path, number + 1)}: the image was not finished`);
  state.revision = start.revision;
  return $multi(until, undefined);
}

function apply_image_change(state: SavedState, change: LoadedChange, origin: string): string | undefined {
  if (state.upstreams.has(change.upstream) || state.deleted_seeds.has(change.upstream))
    return `duplicate upstream "${change.upstream}"`;
  apply(state, change, origin);
  return undefined;
}

function apply_image_line(
  state: SavedState,
  value: Record<string, unknown>,
  origin: string,
): string | undefined {
  const [change, problem] = read_change(value);
  return change === undefined ? problem?.text : apply_image_change(state, loaded_change(change), origin);
}

const MEMBERS_OF_SEVERAL = set_of(["revision", "changes", "crc"]);

/** Reads the changes of a journal's line: one, or those of the list `changes`. */
function read_changes(value: Record<string, unknown>): Read<LoadedChange[]> {
  if (value.changes === undefined) {
    const [change, problem] = read_change(value);
    return $multi(change === undefined ? undefined : [loaded_change(change)], problem);
  }
  for (const [name] of pairs(value)) {
    if (!MEMBERS_OF_SEVERAL.has(name)) return $multi(undefined, unknown_parameter(name));
  }
  const [items, no_list] = read_list("changes", value.changes);
  if (items === undefined) return $multi(undefined, no_list);
  const changes: LoadedChange[] = [];
  const upstreams = new LuaSet<string>();
  for (const item of items) {
    const path = `changes[${changes.length}]`;
    if (!is_table(item)) return refuse(path, "must be an object");
    const [change, problem] = read_change(item);
    if (change === undefined) return refuse(path, problem?.text ?? "");
    if (change.revision !== value.revision) return refuse(`${path}.revision`, "must be that of the line");
    if (upstreams.has(change.upstream)) return refuse(path, `duplicate upstream "${change.upstream}"`);
    upstreams.add(change.upstream);
    changes.push(loaded_change(change));
  }
  if (changes.length === 0) return refuse("changes", "must not be empty");
  return $multi(changes, undefined);
}

/** Applies a line of a journal, unless the image already holds it. Returns the flaw of the line. */
function apply_journal_line(
  state: SavedState,
  changes: readonly LoadedChange[],
  origin: string,
): string | undefined {
  const { revision } = changes[0];
  // The image holds this line's changes: a crash came before the journal was emptied.
  if (revision <= state.revision) return undefined;
  if (revision !== state.revision + 1)
    return `revision ${revision} does not follow revision ${state.revision}`;
  state.revision = revision;
  for (const change of changes) {
    // Upstreams change while an image is written: it may already hold this change.
    const upstream = state.upstreams.get(change.upstream);
    if (upstream === undefined || upstream.revision < revision) apply(state, change, origin);
  }
  return undefined;
}

/** Reads the changes of a line of a journal. Returns undefined and the flaw when it cannot. */
function read_journal_line(
  line: string,
  is_sealed: boolean,
  read_plain: ReturnType<typeof new_line_reader>,
): Result<readonly LoadedChange[]> {
  const damage = damage_of(line, is_sealed);
  if (damage !== undefined) return $multi(undefined, damage);
  const change = is_sealed ? read_plain(line) : undefined;
  if (change !== undefined) return $multi([change], undefined);
  const [value, flaw] = parse_line(line);
  if (value === undefined) return $multi(undefined, flaw);
  const [changes, problem] = read_changes(value);
  return $multi(changes, problem?.text);
}

/** The part of a journal that counts. */
export interface Applied {
  bytes: number;
  lines: number;
  /** The revision of its last change, or the one that it follows. */
  revision: number;
}

/** Applies a journal. An unfinished last line was never acknowledged. Any other flaw is an error. */
export function apply_journal(state: SavedState, { path, text, start }: LineFile): Result<Applied> {
  const read_plain = new_line_reader();
  let lines = 0;
  let bytes = 0;
  let { revision } = start;
  for (const line of whole_lines(text)) {
    lines += 1;
    bytes += line.length + 1;
    if (lines > 1 || !start.is_sealed) {
      const origin = line_of(path, lines);
      const [changes, unread] = read_journal_line(line, start.is_sealed, read_plain);
      const flaw = changes === undefined ? unread : apply_journal_line(state, changes, origin);
      if (changes === undefined || flaw !== undefined) return $multi(undefined, `${origin}: ${flaw ?? ""}`);
      ({ revision } = changes[0]);
    }
  }
  // A complete line without its end was not torn: its end was changed.
  if (is_intact(string.sub(text, bytes + 1, -2)))
    return $multi(undefined, `${line_of(path, lines + 1)}: the end of the line is damaged`);
  return $multi({ bytes, lines, revision }, undefined);
}

function flaw_of(upstream: SavedUpstream): string | undefined {
  const { servers, settings } = upstream;
  const { next_id, next_local_id } = upstream.book;
  const addresses = new LuaSet<string>();
  for (const [id, server] of pairs(servers)) {
    if (addresses.has(server.server)) return `duplicate server "${server.server}"`;
    addresses.add(server.server);
    if (id >= (is_local_id(id) ? (next_local_id ?? 0) : next_id))
      return `the id ${id} is not below the next one`;
    const unfit = check_fit(settings, server.parameters);
    if (unfit !== undefined) return `server "${server.server}": ${unfit.text}`;
  }
  return undefined;
}

/** Checks each upstream as a whole. Returns the file, the line and the flaw. */
export function check_state(state: SavedState): string | undefined {
  for (const [name, upstream] of pairs(state.upstreams)) {
    const flaw = flaw_of(upstream);
    if (flaw !== undefined) return `${upstream.origin}: upstream "${name}": ${flaw}`;
  }
  return undefined;
}

/** Returns the document of a saved upstream and its servers; undefined: `allocate` has no row left. */
export function to_document(
  saved: SavedUpstream,
  allocate: (this: void, stamp: number, id?: number) => RowNumber | undefined,
): LuaMultiReturn<[Document | undefined, LoadedServer[]]> {
  const ids = keys_of(saved.servers);
  table.sort(ids);
  const lines: string[] = [];
  const records: LoadedServer[] = [];
  for (const id of ids) {
    const record = saved.servers.get(id);
    const server_row = allocate(record.incarnation, id);
    if (server_row === undefined) return $multi(undefined, records);
    record.row = server_row;
    records.push(record);
    lines.push(line_with(id, record.incarnation, server_row, record.text));
  }
  const row = allocate(saved.revision);
  if (row === undefined) return $multi(undefined, records);
  const { settings, book, revision } = saved;
  return $multi({ ...settings, ...book, revision, row, leavers: [], lines }, records);
}
