import { is_refused_handshake, is_timeout, is_unconnected } from "../../net/connection";
import type { Groups } from "./answer";
import type { Memory } from "./memory";
import type { Entry } from "../source";

/** Services of a registry for which it gives no usable answer, while it does for others. */

/** The causes by the names of the services. */
export type Failed = LuaTable<string, string | undefined>;

function problem_of(cause: string): string {
  return `the registry gives no usable answer for this service: ${cause}`;
}

/** Tells whether entries stand for those of a service whose answer has never been usable. */
function is_placeholder(name: string, entries: readonly Entry[] | undefined): boolean {
  // The keys of instances contain a slash, which a name does not.
  return entries !== undefined && entries.length === 1 && entries[0].key === name;
}

/** Gives services that have failed the entries that they had, so that they do not count as gone. */
export function keep_failed({ groups: known }: Memory, failed: Failed, groups: Groups): void {
  for (const [name, cause] of pairs(failed)) {
    const entries = known.get(name);
    const is_known = entries !== undefined && !is_placeholder(name, entries);
    groups.set(name, is_known ? entries : [{ key: name, problem: problem_of(cause ?? "") }]);
  }
}

/**
 * Returns the reasons of entries that belong to no upstream, with the failures of services that keep their
 * entries. The others are reported with their upstreams, or why these are not made.
 */
export function with_failed(
  { refusals }: Memory,
  misplaced: LuaTable<string, string>,
  failed: Failed,
  groups: Groups,
): LuaTable<string, string> {
  const all = new LuaTable<string, string>();
  for (const [name, reason] of pairs(misplaced)) all.set(name, reason);
  for (const [name, cause] of pairs(failed)) {
    if (!refusals.has(name) && !is_placeholder(name, groups.get(name)))
      all.set(name, problem_of(cause ?? ""));
  }
  return all;
}

/** Returns the cause if the registry cannot be reached. `asked`: at the same time. */
export function why_unreachable(failed: Failed, asked: readonly string[], most: number): string | undefined {
  let timeouts = 0;
  let last: string | undefined;
  for (const name of asked) {
    const cause = failed.get(name);
    if (cause !== undefined && (is_unconnected(cause) || is_refused_handshake(cause))) return cause;
    if (cause !== undefined && is_timeout(cause)) {
      timeouts += 1;
      last = cause;
    }
  }
  return timeouts >= most ? last : undefined;
}

/** Returns the cause if the registry has given no usable answer for any of its services. */
export function why_none(failed: Failed, names: LuaSet<string>): string | undefined {
  let cause: string | undefined;
  for (const name of names) {
    cause = failed.get(name);
    if (cause === undefined) return undefined;
  }
  return cause;
}
