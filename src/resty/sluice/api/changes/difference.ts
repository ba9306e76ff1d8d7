import { settings_of, SETTINGS } from "../../config/settings";
import { is_equal, list, record, words } from "../../lib/json";
import type { Change } from "../../store/commit";
import type { Document } from "../../store/document/document";
import type { ServerRecord } from "../../store/document/line";
import { parameters_object, SERVER_FIELDS, shown_member } from "../server_object";
import { shown_settings } from "../sluice/upstream_edits";

/** What a change does to an upstream, as JSON. */

const difference_record = record("change settings servers");
const servers_record = record("added removed changed kept");
const changed_record = record("id server fields");
const field_record = record("field from to");

const SERVER_MEMBERS = words(SERVER_FIELDS);

interface FieldChange {
  field: string;
  from: unknown;
  to: unknown;
}

function settings_in(document: Document | undefined): Record<string, unknown> {
  return document === undefined ? {} : settings_of(document);
}

function shown(settings: Record<string, unknown>): Record<string, unknown> {
  return shown_settings(settings as unknown as Document);
}

/** Returns the settings that differ. Secrets are compared, but not shown. */
function settings_that_differ({ current, next }: Change): FieldChange[] {
  const [before, after] = [settings_in(current), settings_in(next)];
  const fields: FieldChange[] = [];
  for (const field of SETTINGS.names) {
    if (!is_equal(before[field], after[field]))
      fields.push(field_record({ field, from: shown(before)[field], to: shown(after)[field] }));
  }
  return list(fields);
}

function changed_server(before: ServerRecord, after: ServerRecord): object {
  const fields: FieldChange[] = [];
  for (const field of SERVER_MEMBERS) {
    const [from, to] = [shown_member(before, field), shown_member(after, field)];
    if (from !== to) fields.push(field_record({ field, from, to }));
  }
  return changed_record({ id: after.id, server: after.server, fields: list(fields) });
}

function servers_of({ next, changed }: Change, is_dry_run: boolean): object {
  const before = new LuaTable<number, ServerRecord>();
  for (const server of changed.removed) before.set(server.id, server);
  const added: object[] = [];
  const different: object[] = [];
  for (const server of changed.added) {
    const old = before.get(server.id) as ServerRecord | undefined;
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
  const kept = (next?.lines.length ?? 0) - changed.added.length;
  return servers_record({ added: list(added), removed: list(removed), changed: list(different), kept });
}

function kind_of(change: Change): string {
  if (!change.has_effect) return "unchanged";
  if (change.next === undefined) return "deleted";
  return change.current === undefined ? "created" : "changed";
}

/** Returns what a change does to its upstream. */
export function difference_object(change: Change, is_dry_run: boolean): object {
  return difference_record({
    change: kind_of(change),
    settings: settings_that_differ(change),
    servers: servers_of(change, is_dry_run),
  });
}
