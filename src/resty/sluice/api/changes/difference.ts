import { settings_of, SETTINGS, type UpstreamSettings } from "../../config/settings";
import { is_equal, list, record, words } from "../../lib/json";
import type { Change } from "../../store/commit";
import type { SavedServer } from "../../store/document/saved";
import { parameters_object, SERVER_FIELDS, shown_member } from "../server_object";
import { shown_settings } from "../sluice/upstream_edits";

/** What a change does to an upstream, as JSON. */

const difference_record = record("change settings servers");
const servers_record = record("added removed changed kept");
const changed_record = record("id server fields");
const field_record = record("field from to");

const SERVER_MEMBERS = words(SERVER_FIELDS);

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

function settings_in(settings: UpstreamSettings | undefined): Record<string, unknown> {
  return settings === undefined ? {} : settings_of(settings);
}

function shown(settings: Record<string, unknown>): Record<string, unknown> {
  return shown_settings(settings as unknown as UpstreamSettings);
}

/** Returns the settings that differ. Secrets are compared, but not shown. */
function settings_that_differ({ current, next }: Compared): FieldChange[] {
  const [before, after] = [settings_in(current), settings_in(next)];
  const fields: FieldChange[] = [];
  for (const field of SETTINGS.names) {
    if (!is_equal(before[field], after[field]))
      fields.push(field_record({ field, from: shown(before)[field], to: shown(after)[field] }));
  }
  return list(fields);
}

function changed_server(before: SavedServer, after: SavedServer): object {
  const fields: FieldChange[] = [];
  for (const field of SERVER_MEMBERS) {
    const [from, to] = [shown_member(before, field), shown_member(after, field)];
    if (from !== to) fields.push(field_record({ field, from, to }));
  }
  return changed_record({ id: after.id, server: after.server, fields: list(fields) });
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
  const kept = (change.next?.lines.length ?? 0) - change.changed.added.length;
  return compared_object({ ...change, kept }, is_dry_run);
}

/** Returns the difference between two versions of an upstream. */
export function compared_object(compared: Compared, is_dry_run: boolean): object {
  return difference_record({
    change: kind_of(compared),
    settings: settings_that_differ(compared),
    servers: servers_of(compared, is_dry_run),
  });
}
