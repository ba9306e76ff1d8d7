import type { Problem } from "../config/problem";
import { CLUSTER_DIGITS, NO_HISTORY } from "./document/clustered";
import type { Document } from "./document/document";
import { shared_text } from "./document/replica";
import { junk_revision } from "./source_status";

/**
 * How a change reaches the other gateways before it is this one's: what does it is in cluster/, above the
 * store.
 */

/**
 * Has the other gateways get what is shared of a change. It may yield.
 *
 * @param after undefined: the upstream is to be deleted
 * @returns the version that the change makes, as documents have it, or undefined and the problem
 */
export type Replicate = (
  this: void,
  name: string,
  before: Document | undefined,
  after: Document | undefined,
  reach: Reach,
) => LuaMultiReturn<[string | undefined, Problem | undefined]>;

/** The way to the other gateways. */
export interface Replicator {
  replicate: Replicate;
  /**
   * Takes over the version of an upstream that etcd has now, if the upstream is there and older. It may
   * yield, and does nothing if etcd does not answer: the change also comes by itself.
   */
  catch_up: (this: void, name: string) => void;
}

/**
 * Whether a write is only this gateway's, or all gateways' that share the upstream; a number: the upstream is
 * put back, in place of the version of that revision of etcd's, or, if it is 0, of none.
 */
export type Reach = "own" | "all" | number;

/** As long as any other, so that the text of a document with another one is as long. */
export const NO_CLUSTER_REVISION = `${NO_HISTORY}.${string.rep("0", CLUSTER_DIGITS)}`;

/** Undefined: nothing is shared, or, in `setup`, nothing can be yet. */
let replicator: Replicator | undefined;

/** Has each write of this worker reach the other gateways first. Phase: init_worker_by_lua. */
export function set_replicator(used: Replicator): void {
  replicator = used;
}

/**
 * Takes over the version of an upstream that etcd has now, as `Replicator.catch_up` does. Phases that can
 * sleep.
 */
export function catch_up(name: string): void {
  replicator?.catch_up(name);
}

/**
 * What is to do so with a change of an upstream; undefined: nothing is, the change is this gateway's alone.
 */
export function replicator_of(
  name: string,
  current: Document | undefined,
  next: Document | undefined,
  reach: Reach,
): Replicate | undefined {
  if (reach === "own" || replicator === undefined) return undefined;
  const { replicate } = replicator;
  if (typeof reach === "number") return replicate;
  if (next === undefined) return current?.cluster_revision === undefined ? undefined : replicate;
  const is_new = current?.cluster_revision === undefined;
  const is_needed = is_new || junk_revision(name) > 0 || shared_text(current) !== shared_text(next);
  return is_needed ? replicate : undefined;
}
