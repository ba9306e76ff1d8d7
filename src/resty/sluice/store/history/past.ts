import { settings_of, type UpstreamSettings } from "../../config/settings";
import { keys_of } from "../../lib/tables";
import type { Document } from "../document/document";
import { parse_line } from "../document/line";
import type { SavedServer } from "../document/saved";
import type { PastChange } from "./lines";

/** Determines what an upstream was, by undoing its changes. Pure. */

/** An upstream after the changes that were undone so far. */
export interface Past {
  /** Undefined: the upstream did not exist. */
  settings: UpstreamSettings | undefined;
  servers: LuaTable<number, SavedServer>;
}

/** Returns an upstream as it is. */
export function present(document: Document | undefined): Past {
  const servers = new LuaTable<number, SavedServer>();
  for (const line of document?.lines ?? []) {
    const record = parse_line(line);
    servers.set(record.id, record);
  }
  return { settings: document === undefined ? undefined : settings_of(document), servers };
}

/** Undoes a change. Changes must be undone in the order from the last one to the first. */
export function undo(past: Past, { was }: PastChange): void {
  past.settings = was.settings;
  if (was.settings === undefined) {
    past.servers = new LuaTable<number, SavedServer>();
    return;
  }
  for (const id of was.remove) past.servers.delete(id);
  for (const server of was.put) past.servers.set(server.id, server);
}

/** Returns the servers that clients of the API had added, in the order of their ids. */
export function own_servers({ servers }: Past): SavedServer[] {
  const ids = keys_of(servers);
  table.sort(ids);
  const own: SavedServer[] = [];
  for (const id of ids) {
    const server = servers.get(id);
    if (server.source === "") own.push(server);
  }
  return own;
}
