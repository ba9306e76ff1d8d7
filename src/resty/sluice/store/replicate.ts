import type { Read } from "../config/reader";
import { CLUSTER_DIGITS, NO_HISTORY } from "./document/clustered";
import type { Document } from "./document/document";
import { shared_text } from "./document/replica";
import { junk_revision } from "./source_status";

/** The way of changes to the other gateways of a cluster. `cluster/`, above the store, implements it. */

/** A change of an upstream. */
export interface SharedChange {
  name: string;
  /** Undefined: the upstream is created. */
  current: Document | undefined;
  /** Undefined: the upstream is deleted. */
  next: Document | undefined;
}

/** Sends changes, all of them or none, to the other gateways. Returns the new version. May yield. */
export type Share = (this: void, changes: readonly SharedChange[], reach: Reach) => Read<string>;

/** The implementation. */
export interface Replicator {
  share: Share;
  /** Takes over etcd's newer version of an upstream. May yield. The watch brings what it misses. */
  catch_up: (this: void, name: string) => void;
}

/**
 * The reach of a write: this gateway only; all gateways that share the upstream; or a number: the upstream is
 * put back into etcd, where it replaces the version of that revision, or none for 0.
 */
export type Reach = "own" | "all" | number;

/** A version of the same length as any other, so that the text of a document keeps its length. */
export const NO_CLUSTER_REVISION = `${NO_HISTORY}.${string.rep("0", CLUSTER_DIGITS)}`;

/** Undefined: nothing is shared, or, in `setup`, nothing can be shared yet. */
let replicator: Replicator | undefined;

/** Sets how this worker's writes reach the other gateways first. Phase: init_worker_by_lua. */
export function set_replicator(used: Replicator): void {
  replicator = used;
}

/** Takes over etcd's version of an upstream, as `Replicator.catch_up` does. Phases that can sleep. */
export function catch_up(name: string): void {
  replicator?.catch_up(name);
}

/** Sends changes to the other gateways, as `Replicator.share` does. Phases that can sleep. */
export const share: Share = (changes, reach) => {
  if (replicator === undefined) return $multi(NO_CLUSTER_REVISION, undefined);
  return replicator.share(changes, reach);
};

/** Returns whether changes can concern other gateways. Any phase. */
export function is_replicated(): boolean {
  return replicator !== undefined;
}

/** Returns whether a change concerns the other gateways as well. */
export function is_shared({ name, current, next }: SharedChange, reach: Reach): boolean {
  if (reach === "own" || replicator === undefined) return false;
  if (typeof reach === "number") return true;
  if (next === undefined) return current !== undefined;
  const is_new = current?.cluster_revision === undefined;
  return is_new || junk_revision(name) > 0 || shared_text(current) !== shared_text(next);
}
