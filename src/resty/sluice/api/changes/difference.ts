import { settings_of, SETTINGS, type UpstreamSettings } from "../../config/settings";
import { encode, is_equal, list, record, words } from "../../lib/json";
import type { Change } from "../../store/prepare";
import type { Document } from "../../store/document/document";
import { hosts_of, stored_host, type HostRecord, type StoredHost } from "../../store/document/host";
import { parameters_object, SERVER_FIELDS, shown_member } from "../server_object";
import { shown_settings } from "../sluice/upstream_edits";

/** What a change does to an upstream, as JSON. */

const difference_record = record("change settings servers");
const servers_record = record("added removed changed kept");
const changed_record = record("id server fields");
const field_record = record("field from to");

const SERVER_MEMBERS = words(SERVER_FIELDS);

/** The servers that differ between two versions, and the number of those that do not. */
interface Differing {
  added: readonly HostRecord[];
  removed: readonly HostRecord[];
  kept: number;
}

/** A version of an upstream, without its servers at addresses. */
export interface Version {
  settings: UpstreamSettings;
  hosts?: readonly StoredHost[] | undefined;
}

/** Two versions of an upstream. */
export interface Compared {
  current: Version | undefined;
  next: Version | undefined;
  /** The servers at addresses. */
  servers: Differing;
  has_effect: boolean;
}

interface FieldChange {
  field: string;
  from: unknown;
  to: unknown;
}

function settings_in(version: Version | undefined): Record<string, unknown> {
  return version === undefined ? {} : settings_of(version.settings);
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

function changed_server(before: HostRecord, after: HostRecord): object {
  const fields: FieldChange[] = [];
  for (const field of SERVER_MEMBERS) {
    const [from, to] = [shown_member(before, field), shown_member(after, field)];
    if (from !== to) fields.push(field_record({ field, from, to }));
  }
  return changed_record({ id: after.id, server: after.server, fields: list(fields) });
}

/** Returns the servers with host names of `one` that `other` does not have in the same form. */
function hosts_without(one: Version | undefined, other: Version | undefined): HostRecord[] {
  const known = new LuaSet<string>();
  for (const host of hosts_of(other ?? {})) known.add(encode(stored_host(host)));
  return hosts_of(one ?? {}).filter((host) => !known.has(encode(stored_host(host))));
}

/** Returns the servers that differ: those with host names first. */
function with_hosts({ current, next, servers }: Compared): Differing {
  const [old_hosts, new_hosts] = [hosts_without(current, next), hosts_without(next, current)];
  return {
    added: new_hosts.concat(servers.added),
    removed: old_hosts.concat(servers.removed),
    kept: servers.kept + (next?.hosts?.length ?? 0) - new_hosts.length,
  };
}

function servers_of(compared: Compared, is_dry_run: boolean): object {
  const differing = with_hosts(compared);
  const before = new LuaTable<number, HostRecord>();
  for (const server of differing.removed) before.set(server.id, server);
  const added: object[] = [];
  const different: object[] = [];
  for (const server of differing.added) {
    const old = before.get(server.id) as HostRecord | undefined;
    // The id of a server that a dry run adds is not reserved.
    const id = is_dry_run ? undefined : server.id;
    if (old === undefined) added.push(parameters_object(server, id));
    else different.push(changed_server(old, server));
    before.delete(server.id);
  }
  const removed: object[] = [];
  for (const server of differing.removed) {
    if (before.has(server.id)) removed.push(parameters_object(server, server.id));
  }
  const { kept } = differing;
  return servers_record({ added: list(added), removed: list(removed), changed: list(different), kept });
}

function kind_of({ current, next, has_effect }: Compared): string {
  if (!has_effect) return "unchanged";
  if (next === undefined) return "deleted";
  return current === undefined ? "created" : "changed";
}

function version_of(document: Document | undefined): Version | undefined {
  return document === undefined ? undefined : { settings: document, hosts: document.hosts };
}

/** Returns what a change does to its upstream. */
export function difference_object(change: Change, is_dry_run: boolean): object {
  const { current, next, changed, has_effect } = change;
  const kept = (next?.lines.length ?? 0) - changed.added.length;
  const servers = { added: changed.added, removed: changed.removed, kept };
  return compared_object(
    { current: version_of(current), next: version_of(next), servers, has_effect },
    is_dry_run,
  );
}

/** Returns the difference between two versions of an upstream. */
export function compared_object(compared: Compared, is_dry_run: boolean): object {
  return difference_record({
    change: kind_of(compared),
    settings: settings_that_differ(compared),
    servers: servers_of(compared, is_dry_run),
  });
}
