import type { UpstreamSettings } from "../../config/settings";
import { Row } from "../memory/cells";
import { row_at, shared_memory } from "../memory/region";
import { is_local_id } from "./clustered";
import type { Document } from "./document";
import type { Edited } from "./edit";
import { address_in, format_line, numbers_in, parse_line } from "./line";
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

/** Gives the servers that are new in a document the ids that they had, unless others have them now. */
function restore_ids(
  document: Document,
  ids: LuaTable<string, number | undefined>,
  first_id: number,
  revision: number,
): void {
  const taken = new LuaSet<number>();
  for (const line of document.lines) {
    const [id, incarnation] = numbers_in(line);
    if (incarnation !== revision) taken.add(id);
  }
  let next_id = first_id;
  for (const index of $range(0, document.lines.length - 1)) {
    const line = document.lines[index];
    const [, incarnation] = numbers_in(line);
    const id = ids.get(address_in(line));
    if (incarnation === revision && id !== undefined && !taken.has(id)) {
      const record = parse_line(line);
      document.lines[index] = format_line({ ...record, id });
      shared_memory()[row_at(record.row) + Row.ID] = id;
    }
    const [final_id] = numbers_in(document.lines[index]);
    if (!is_local_id(final_id)) next_id = math.max(next_id, final_id + 1);
  }
  document.next_id = next_id;
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
  restore_ids(document, shared_ids(servers), current?.next_id ?? 0, revision);
  return $multi(document, undefined);
}
