import { recall, remember } from "../memory/dict";

/** Whether this gateway shares its upstreams with others. */

/** Servers that a registry brings are each gateway's own, with ids that no shared server gets. */
export const FIRST_LOCAL_ID = 1000000000;

/**
 * A document has etcd's revision with so many digits, whatever it is, behind the history that it is of, and a
 * full stop.
 */
export const CLUSTER_DIGITS = 16;
export const HISTORY_DIGITS = 16;
/** No history is known yet. The note has its length from the start, so that one always finds room. */
export const NO_HISTORY = string.rep("0", HISTORY_DIGITS);

let clustered = false;

/** Sets it. Phase: init_by_lua. */
export function set_clustered(on: boolean): void {
  clustered = on;
}

/** Whether upstreams are shared. Any phase. */
export function is_clustered(): boolean {
  return clustered;
}

/** Whether a server's id is one of those. Any phase. */
export function is_local_id(id: number): boolean {
  return id >= FIRST_LOCAL_ID;
}

/** Notes the history of the etcd that the gateways share, for all workers. Any phase. */
export function note_history(history: string): void {
  remember("history", history);
}

/** The history of the etcd that the gateways share; undefined: it is not known yet. Any phase. */
export function known_history(): string | undefined {
  const history = recall("history") as string | undefined;
  return history === NO_HISTORY ? undefined : history;
}

/**
 * Notes until when other gateways may put their versions back, by the monotonic clock, for all workers. Any
 * phase.
 */
export function note_grace(until: number): void {
  remember("grace", until);
}

/** Whether other gateways may still put their versions back. Any phase. */
export function is_grace(now: number): boolean {
  return now < ((recall("grace") as number | undefined) ?? 0);
}
