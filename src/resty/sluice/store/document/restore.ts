import type { UpstreamSettings } from "../../config/settings";
import { Row } from "../memory/cells";
import { row_at, shared_memory } from "../memory/region";
import { is_local_id } from "./clustered";
import type { Document } from "./document";
import type { Edited } from "./edit";
import { hosts_of } from "./host";
import { format_line, numbers_in, parse_line } from "./line";
import { replace_upstream } from "./replace";
import type { SavedServer } from "./saved";

/** Makes an upstream what it was. */

/** Returns the ids that servers had, by address. A gateway of a cluster has ids that only it knows. */
function shared_ids(servers: readonly SavedServer[]): LuaTable<string, number | undefined> {
  const ids = new LuaTable<string, number | undefined>();
  for (const { id, server } of servers) {
    if (!is_local_id(id)) ids.set(server, id);
  }
  return ids;
}

/** Returns the ids that servers have and keep. */
function kept_ids(document: Document, revision: number): LuaSet<number> {
  const kept = new LuaSet<number>();
  for (const { id } of hosts_of(document)) kept.add(id);
  for (const line of document.lines) {
    const [id, incarnation] = numbers_in(line);
    if (incarnation !== revision || is_local_id(id)) kept.add(id);
  }
  return kept;
}

/** Gives the servers that are new in a document the ids that they had, unless others have them now. */
function restore_ids(document: Document, ids: LuaTable<string, number | undefined>, revision: number): void {
  const kept = kept_ids(document, revision);
  for (const [, id] of pairs(ids)) document.next_id = math.max(document.next_id, id + 1);
  for (const index of $range(0, document.lines.length - 1)) {
    const record = parse_line(document.lines[index]);
    if (record.incarnation === revision && !is_local_id(record.id)) {
      const wanted = ids.get(record.server);
      const is_free = wanted !== undefined && !kept.has(wanted);
      if (!is_free) document.next_id += 1;
      record.id = is_free ? wanted : document.next_id - 1;
      document.lines[index] = format_line(record);
      shared_memory()[row_at(record.row) + Row.ID] = record.id;
    }
  }
  table.sort(document.lines, (a, b) => numbers_in(a)[0] < numbers_in(b)[0]);
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
  // A drain job and the service of a standby server belong to the time when they began.
  const given = servers.map((server) => ({ ...server, leave_by: "", in_service: undefined }));
  const [document, problem] = replace_upstream(current, { ...settings, servers: given }, revision);
  if (document === undefined) return $multi(undefined, problem);
  restore_ids(document, shared_ids(servers), revision);
  return $multi(document, undefined);
}
