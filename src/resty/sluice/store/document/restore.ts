import { canonical_address, place_of } from "../../config/address";
import type { ServerConfig } from "../../config/server";
import type { UpstreamSettings } from "../../config/settings";
import type { UpstreamConfig } from "../../config/upstream";
import { Row } from "../memory/cells";
import { row_at, shared_memory } from "../memory/region";
import { is_local_id } from "./clustered";
import type { Document } from "./document";
import type { Edited } from "./edit";
import { hosts_of } from "./host";
import { set_hosts } from "./hosts";
import { format_line, numbers_in, parse_line, source_in } from "./line";
import { has_source, replace_upstream } from "./replace";
import type { SavedServer } from "./saved";

/** Makes an upstream what it was. */

/** The ids that servers had, by `place_of`. */
type Ids = LuaTable<string, number | undefined>;

/** Returns the ids that servers had. A gateway of a cluster has ids that only it knows. */
function shared_ids(servers: readonly SavedServer[]): Ids {
  const ids: Ids = new LuaTable();
  for (const server of servers) {
    if (!is_local_id(server.id)) ids.set(place_of(server), server.id);
  }
  return ids;
}

/** Returns the ids that servers have and keep. `first_new`: the lowest id of a new server. */
function kept_ids(document: Document, first_new: number, revision: number): LuaSet<number> {
  const kept = new LuaSet<number>();
  for (const { id } of hosts_of(document)) {
    if (id < first_new) kept.add(id);
  }
  for (const line of document.lines) {
    const [id, incarnation] = numbers_in(line);
    if (incarnation !== revision || is_local_id(id)) kept.add(id);
  }
  return kept;
}

/** Returns the id that a new server had, or else an id that no server has had. */
function id_for(document: Document, wanted: number | undefined, kept: LuaSet<number>): number {
  if (wanted !== undefined && !kept.has(wanted)) return wanted;
  document.next_id += 1;
  return document.next_id - 1;
}

/** Gives new servers with host names their ids. They have no servers at addresses yet. */
function restore_host_ids(document: Document, ids: Ids, first_new: number, kept: LuaSet<number>): void {
  const hosts = hosts_of(document);
  for (const host of hosts) {
    if (host.id >= first_new) {
      host.id = id_for(document, ids.get(place_of(host)), kept);
      kept.add(host.id);
    }
  }
  table.sort(hosts, (one, other) => one.id < other.id);
  set_hosts(document, hosts);
}

/** Gives the servers that are new in a document the ids that they had, unless others have them now. */
function restore_ids(document: Document, ids: Ids, first_new: number, revision: number): void {
  const kept = kept_ids(document, first_new, revision);
  for (const [, id] of pairs(ids)) document.next_id = math.max(document.next_id, id + 1);
  restore_host_ids(document, ids, first_new, kept);
  for (const index of $range(0, document.lines.length - 1)) {
    const record = parse_line(document.lines[index]);
    if (record.incarnation === revision && !is_local_id(record.id)) {
      record.id = id_for(document, ids.get(place_of(record)), kept);
      document.lines[index] = format_line(record);
      shared_memory()[row_at(record.row) + Row.ID] = record.id;
    }
  }
  table.sort(document.lines, (a, b) => numbers_in(a)[0] < numbers_in(b)[0]);
  forget_drained(document);
}

/** Forgets that drain jobs have removed servers which are there again. */
function forget_drained(document: Document): void {
  const there = new LuaSet<number>();
  for (const line of document.lines) there.add(numbers_in(line)[0]);
  const rest = (document.drained ?? []).filter(({ id }) => !there.has(id));
  document.drained = rest.length === 0 ? undefined : rest;
}

/** Returns the addresses of the present servers that stay because a source brings them. */
function sourced_addresses(current: Document | undefined, config: UpstreamConfig): LuaSet<string> {
  const addresses = new LuaSet<string>();
  for (const line of current?.lines ?? []) {
    const record = source_in(line) === "" ? undefined : parse_line(line);
    if (record !== undefined && has_source(record, config)) addresses.add(canonical_address(record.server));
  }
  return addresses;
}

/**
 * Makes an upstream what it was, as `replace_upstream` replaces it: servers that are there stay, and those of
 * a source too. Servers that are added again get the ids that they had.
 */
export function restore_upstream(
  current: Document | undefined,
  settings: UpstreamSettings,
  servers: readonly SavedServer[],
  revision: number,
): Edited {
  const sourced = sourced_addresses(current, { ...settings, servers: servers.slice() });
  const given: ServerConfig[] = [];
  for (const server of servers) {
    if (sourced.has(canonical_address(server.server))) continue;
    // A drain job and the service of a standby server belong to the time when they began.
    const copy: ServerConfig = { ...server, leave_by: "" };
    copy.in_service = undefined;
    given.push(copy);
  }
  const [document, problem] = replace_upstream(current, { ...settings, servers: given }, revision);
  if (document === undefined) return $multi(undefined, problem);
  restore_ids(document, shared_ids(servers), current?.next_id ?? 0, revision);
  return $multi(document, undefined);
}
