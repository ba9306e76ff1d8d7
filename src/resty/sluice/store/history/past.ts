import { settings_of, type UpstreamSettings } from "../../config/settings";
import { keys_of } from "../../lib/tables";
import type { Document } from "../document/document";
import { hosts_of, type StoredHost } from "../document/host";
import { parse_line } from "../document/line";
import type { SavedServer } from "../document/saved";
import type { PastChange } from "./lines";

/** Determines what an upstream was, by undoing its changes. Pure. */

/** An upstream after the changes that were undone so far. */
export interface Past {
  /** Undefined: the upstream did not exist. */
  settings: UpstreamSettings | undefined;
  /** The servers at addresses, by id. */
  servers: LuaTable<number, SavedServer>;
  /** The servers with host names. */
  hosts: readonly StoredHost[];
}

/** Returns an upstream as it is. */
export function present(document: Document | undefined): Past {
  const servers = new LuaTable<number, SavedServer>();
  for (const line of document?.lines ?? []) {
    const record = parse_line(line);
    servers.set(record.id, record);
  }
  const settings = document === undefined ? undefined : settings_of(document);
  return { settings, servers, hosts: document?.hosts ?? [] };
}

/** Undoes a change. Changes must be undone in the order from the last one to the first. */
export function undo(past: Past, { was }: PastChange): void {
  past.settings = was.settings;
  past.hosts = was.book.hosts ?? [];
  if (was.settings === undefined) {
    past.servers = new LuaTable<number, SavedServer>();
    return;
  }
  for (const id of was.remove) past.servers.delete(id);
  for (const server of was.put) past.servers.set(server.id, server);
}

/**
 * Returns the servers that clients of the API had added: those with host names, then those at addresses.
 * `with_found`: and those that a registry had brought.
 */
export function servers_to_restore({ servers, hosts }: Past, with_found: boolean): SavedServer[] {
  const ids = keys_of(servers);
  table.sort(ids);
  const own: SavedServer[] = hosts_of({ hosts });
  for (const id of ids) {
    const server = servers.get(id);
    if (server.source === "" || (with_found && server.source === "discovery")) own.push(server);
  }
  return own;
}
