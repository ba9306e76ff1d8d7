import { settings_of, SETTINGS } from "../../config/settings";
import { encode, list, record } from "../../lib/json";
import type { Change } from "../../store/commit";
import type { Document } from "../../store/document/document";
import { hosts_of, stored_host, type HostRecord } from "../../store/document/host";
import { format_line, type ServerRecord } from "../../store/document/line";
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

function shown(document: Document | undefined): Record<string, unknown> {
  if (document === undefined) return {};
  return shown_settings(settings_of(document));
}

function settings_in(document: Document | undefined): Record<string, unknown> {
  return document === undefined ? {} : settings_of(document);
}

function object_of(server: ServerRecord | HostRecord): Record<string, unknown> {
  const shown_server = "row" in server ? format_line(server) : server;
  return server_object(shown_server) as Record<string, unknown>;
}

function changed_server(before: ServerRecord | HostRecord, after: ServerRecord | HostRecord): object {
  const [old, new_one] = [object_of(before), object_of(after)];
  const fields = fields_that_differ(SERVER_MEMBERS, old, new_one);
  return changed_record({ id: after.id, server: after.server, fields });
}

/** Returns the servers of `document` that `other` does not have in the same form: those with host names. */
function hosts_without(document: Document | undefined, other: Document | undefined): HostRecord[] {
  const known = new LuaSet<string>();
  for (const host of other === undefined ? [] : hosts_of(other)) known.add(encode(stored_host(host)));
  const hosts = document === undefined ? [] : hosts_of(document);
  return hosts.filter((host) => !known.has(encode(stored_host(host))));
}

function servers_of({ current, next, changed }: Change, is_dry_run: boolean): object {
  const before = new LuaTable<number, ServerRecord | HostRecord>();
  const old_hosts = hosts_without(current, next);
  const new_hosts = hosts_without(next, current);
  for (const server of old_hosts) before.set(server.id, server);
  for (const server of changed.removed) before.set(server.id, server);
  const added: object[] = [];
  const different: object[] = [];
  for (const server of (new_hosts as (ServerRecord | HostRecord)[]).concat(changed.added)) {
    const old = before.get(server.id) as ServerRecord | HostRecord | undefined;
    // The id of a server that a dry run adds is not reserved.
    const id = is_dry_run ? undefined : server.id;
    if (old === undefined) added.push(parameters_object(server, id));
    else different.push(changed_server(old, server));
    before.delete(server.id);
  }
  const removed: object[] = [];
  for (const server of (old_hosts as (ServerRecord | HostRecord)[]).concat(changed.removed)) {
    if (before.has(server.id)) removed.push(parameters_object(server, server.id));
  }
  const kept_hosts = (next?.hosts?.length ?? 0) - new_hosts.length;
  const kept = (next?.lines.length ?? 0) - changed.added.length + kept_hosts;
  return servers_record({ added: list(added), removed: list(removed), changed: list(different), kept });
}

function kind_of(change: Change): string {
  if (is_unchanged(change)) return "unchanged";
  if (change.next === undefined) return "deleted";
  return change.current === undefined ? "created" : "changed";
}

/** Returns what a change does to its upstream. */
export function difference_object(change: Change, is_dry_run: boolean): object {
  const { current, next } = change;
  return difference_record({
    change: kind_of(change),
    settings: fields_that_differ(
      SETTINGS.names,
      settings_in(current),
      settings_in(next),
      shown(current),
      shown(next),
    ),
    servers: servers_of(change, is_dry_run),
  });
}
