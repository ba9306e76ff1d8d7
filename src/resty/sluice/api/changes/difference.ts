import { settings_of, SETTINGS, type UpstreamSettings } from "../../config/settings";
import { encode, list, record } from "../../lib/json";
import type { Change } from "../../store/commit";
import { format_line } from "../../store/document/line";
import type { SavedServer } from "../../store/document/saved";
import type { RowNumber } from "../../store/memory/cells";
import { is_unchanged } from "../../store/write";
import { parameters_object, SERVER_FIELDS, server_object } from "../server_object";
import { shown_settings } from "../sluice/upstream_edits";

/** What a change does to an upstream, as JSON. */

const difference_record = record("change settings servers");
const servers_record = record("added removed changed kept");
const changed_record = record("id server fields");
const field_record = record("field from to");

const SERVER_MEMBERS: string[] = [];
for (const [name] of string.gmatch(SERVER_FIELDS, "%S+")) SERVER_MEMBERS.push(name);

/** Two versions of an upstream. */
export interface Compared {
  current: UpstreamSettings | undefined;
  next: UpstreamSettings | undefined;
  changed: { added: readonly SavedServer[]; removed: readonly SavedServer[] };
  /** The number of servers that are in both. */
  kept: number;
  has_effect: boolean;
}

interface FieldChange {
  field: string;
  from: unknown;
  to: unknown;
}

/** Returns the members that differ between two objects, in the order of `names`. */
function fields_that_differ(
  names: readonly string[],
  before: Record<string, unknown>,
  after: Record<string, unknown>,
  shown_before = before,
  shown_after = after,
): FieldChange[] {
  const fields: FieldChange[] = [];
  for (const field of names) {
    if (encode(before[field]) !== encode(after[field]))
      fields.push(field_record({ field, from: shown_before[field], to: shown_after[field] }));
  }
  return list(fields);
}

function shown(settings: UpstreamSettings | undefined): Record<string, unknown> {
  if (settings === undefined) return {};
  return shown_settings(settings_of(settings));
}

function settings_in(settings: UpstreamSettings | undefined): Record<string, unknown> {
  return settings === undefined ? {} : settings_of(settings);
}

function object_of(server: SavedServer): Record<string, unknown> {
  return server_object(format_line({ ...server, incarnation: 0, row: 0 as RowNumber })) as Record<
    string,
    unknown
  >;
}

function changed_server(before: SavedServer, after: SavedServer): object {
  const [old, new_one] = [object_of(before), object_of(after)];
  const fields = fields_that_differ(SERVER_MEMBERS, old, new_one);
  return changed_record({ id: after.id, server: after.server, fields });
}

function servers_of({ kept, changed }: Compared, is_dry_run: boolean): object {
  const before = new LuaTable<number, SavedServer>();
  for (const server of changed.removed) before.set(server.id, server);
  const added: object[] = [];
  const different: object[] = [];
  for (const server of changed.added) {
    const old = before.get(server.id) as SavedServer | undefined;
    // The id of a server that a dry run adds is not reserved.
    const id = is_dry_run ? undefined : server.id;
    if (old === undefined) added.push(parameters_object(server, id));
    else different.push(changed_server(old, server));
    before.delete(server.id);
  }
  const removed: object[] = [];
  for (const server of changed.removed) {
    if (before.has(server.id)) removed.push(parameters_object(server, server.id));
  }
  return servers_record({ added: list(added), removed: list(removed), changed: list(different), kept });
}

function kind_of({ current, next, has_effect }: Compared): string {
  if (!has_effect) return "unchanged";
  if (next === undefined) return "deleted";
  return current === undefined ? "created" : "changed";
}

/** Returns what a change does to its upstream. */
export function difference_object(change: Change, is_dry_run: boolean): object {
  const { current, next, changed } = change;
  const kept = (next?.lines.length ?? 0) - changed.added.length;
  return compared_object({ current, next, changed, kept, has_effect: !is_unchanged(change) }, is_dry_run);
}

/** Returns the difference between two versions of an upstream. */
export function compared_object(compared: Compared, is_dry_run: boolean): object {
  const { current, next } = compared;
  return difference_record({
    change: kind_of(compared),
    settings: fields_that_differ(
      SETTINGS.names,
      settings_in(current),
      settings_in(next),
      shown(current),
      shown(next),
    ),
    servers: servers_of(compared, is_dry_run),
  });
}
