import type { Problem } from "../config/problem";
import { CLUSTER_DIGITS } from "./clustered";
import type { Document } from "./document";
import { shared_text } from "./shared";

/** How a change reaches the other gateways before it is this one's: what does it is in cluster/, above the store. */

/**
 * Has the other gateways get what is shared of a change. It may yield.
 *
 * @param after undefined: the upstream is to be deleted
 * @returns etcd's revision of the change, as documents have it, or undefined and the problem
 */
export type Replicate = (
  this: void,
  name: string,
  before: Document | undefined,
  after: Document | undefined,
) => LuaMultiReturn<[string | undefined, Problem | undefined]>;

/** Whether a write is only this gateway's, or all gateways' that share the upstream. */
export type Reach = "own" | "all";

/** As long as any other, so that the text of a document with another one is as long. */
export const NO_CLUSTER_REVISION = string.rep("0", CLUSTER_DIGITS);

/** Undefined: nothing is shared, or, in `setup`, nothing can be yet. */
let replicate: Replicate | undefined;

/** Has each write of this worker reach the other gateways first. Phase: init_worker_by_lua. */
export function set_replicate(action: Replicate): void {
  replicate = action;
}

/** What is to do so with a change of an upstream; undefined: nothing is, the change is this gateway's alone. */
export function replicator_of(
  current: Document | undefined,
  next: Document | undefined,
  reach: Reach,
): Replicate | undefined {
  if (reach === "own" || replicate === undefined) return undefined;
  if (next === undefined) return current?.cluster_revision === undefined ? undefined : replicate;
  const is_new = current?.cluster_revision === undefined;
  return is_new || shared_text(current) !== shared_text(next) ? replicate : undefined;
}
