import { recall, remember } from "../memory/dict";

/** Whether this gateway shares its upstreams with other gateways, and what all its workers know of that. */

/** The first id of servers that each gateway finds in a registry; no shared server has such an id. */
export const FIRST_LOCAL_ID = 1000000000;

/** The lengths of a version in a document: etcd's history, a full stop, and etcd's revision. */
export const CLUSTER_DIGITS = 16;
export const HISTORY_DIGITS = 16;
/** Kept while no history is known; as long as a history, so that a history always finds room. */
export const NO_HISTORY = string.rep("0", HISTORY_DIGITS);

let clustered = false;

/** Sets whether upstreams are shared. Phase: init_by_lua. */
export function set_clustered(on: boolean): void {
  clustered = on;
}

/** Returns whether upstreams are shared. Any phase. */
export function is_clustered(): boolean {
  return clustered;
}

/** Returns whether an id is that of a server which this gateway has found in a registry. Any phase. */
export function is_local_id(id: number): boolean {
  return id >= FIRST_LOCAL_ID;
}

/** Records the history of the shared etcd, for all workers. Any phase. */
export function note_history(history: string): void {
  remember("history", history);
}

/** Returns the history of the shared etcd; undefined: not known yet. Any phase. */
export function known_history(): string | undefined {
  const history = recall("history") as string | undefined;
  return history === NO_HISTORY ? undefined : history;
}

/** Records until when other gateways may put their versions back, for all workers. Any phase. */
export function note_grace(until: number): void {
  remember("grace", until);
}

/** Returns whether other gateways may still put their versions back. Any phase. */
export function is_grace(now: number): boolean {
  return now < ((recall("grace") as number | undefined) ?? 0);
}
