import * as clock from "../../lib/clock";
import { is_equal } from "../../lib/json";
import { new_pause } from "../../lib/pause";
import { keys_of } from "../../lib/tables";
import { get_text } from "../../store/memory/dict";
import { is_over } from "../../store/memory/generation";
import type { Entry, Subscription } from "../source";
import { answer } from "../subscription";
import { adopt, is_of_other_registry } from "./adopt";
import { create, MOST_UPSTREAMS, TOO_MANY } from "./create";
import type { Memory } from "./memory";
import { note_gone, remove } from "./remove";
import { report_template } from "./report";
import { is_resting } from "./trouble";

/** The answers of the registry of a template, and how they become upstreams. */

/** The registry's entries by upstream. A list may be empty: the upstream exists, but has no servers. */
export type Groups = LuaTable<string, Entry[] | undefined>;

/** Interval at which missing upstreams are looked for, in seconds. */
const LOOK_SECONDS = 1;

function subscription_of({ feed }: Memory, name: string): Subscription | undefined {
  return feed.subscriptions.get(name);
}

/**
 * Gives upstreams the registry's entries, or notes that they have none. Returns those that do not exist, and
 * those that another registry has made.
 */
function answer_each(
  memory: Memory,
  names: readonly string[],
): LuaMultiReturn<[missing: string[], foreign: string[]]> {
  const pause = new_pause();
  const missing: string[] = [];
  const foreign: string[] = [];
  for (const name of names) {
    if (is_over()) return $multi([], []);
    const entries = memory.groups.get(name);
    const subscription = subscription_of(memory, name);
    if (entries === undefined) {
      memory.refusals.delete(name);
      if (subscription !== undefined) note_gone(memory, subscription);
    } else {
      memory.seen.add(name);
      memory.gone.delete(name);
      if (subscription === undefined) missing.push(name);
      else {
        memory.refusals.delete(name);
        answer(subscription, entries, memory.revision);
        if (is_of_other_registry(memory, subscription)) foreign.push(name);
      }
    }
    pause();
  }
  return $multi(missing, foreign);
}

/** Applies the entries of some upstreams. */
function apply(memory: Memory, names: string[], is_new: boolean): void {
  // The order of `pairs` differs from worker to worker.
  table.sort(names);
  const [missing, foreign] = answer_each(memory, names);
  adopt(memory, foreign);
  create(memory, missing);
  remove(memory, is_new);
  report_template(memory);
}

/** Returns the upstreams whose entries differ, that wait, or that have not been answered yet. */
function names_that_differ(memory: Memory, groups: Groups): string[] {
  const pause = new_pause();
  const names: string[] = [];
  for (const name of keys_of(groups)) {
    const subscription = subscription_of(memory, name);
    const is_answered = subscription?.entries !== undefined && subscription.is_settled;
    if (!is_answered || !is_equal(groups.get(name), memory.groups.get(name))) names.push(name);
    pause();
  }
  for (const name of keys_of(memory.groups)) {
    if (!groups.has(name)) names.push(name);
  }
  for (const name of keys_of(memory.feed.subscriptions)) {
    if (!groups.has(name) && !memory.groups.has(name)) names.push(name);
  }
  return names;
}

/**
 * Applies all entries of the registry. `misplaced`: why entries belong to no upstream, by their keys.
 * `revision`: the registry's own counter; "": none. Returns false if the source must ask again after
 * `CONFIRM_SECONDS`. Phases that can sleep.
 */
export function take_all(
  memory: Memory,
  groups: Groups,
  misplaced: LuaTable<string, string>,
  revision: string,
): boolean {
  const names = names_that_differ(memory, groups);
  memory.groups = groups;
  memory.misplaced = misplaced;
  memory.revision = revision;
  memory.has_answered = true;
  apply(memory, names, true);
  return is_settled(memory);
}

/** Applies the entries of those upstreams whose entries have changed. Phases that can sleep. */
export function take_some(memory: Memory, changed: Groups, names: readonly string[], revision: string): void {
  memory.revision = revision;
  for (const name of names) {
    const entries = changed.get(name);
    if (entries === undefined) memory.groups.delete(name);
    else memory.groups.set(name, entries);
  }
  // Only a whole answer confirms that upstreams are gone.
  apply(memory, names.slice(), false);
}

/** Returns whether nothing waits for another answer. */
export function is_settled({ feed, gone, verdict }: Memory): boolean {
  if (verdict !== "empty") {
    for (const [, its] of pairs(gone)) if (its?.refusal === undefined) return false;
  }
  for (const [, subscription] of pairs(feed.subscriptions)) {
    if (!subscription.is_settled) return false;
  }
  return true;
}

/** Returns the upstreams that this worker has begun to follow since. */
function new_names(memory: Memory): string[] {
  return keys_of(memory.feed.subscriptions).filter(
    (name) => subscription_of(memory, name)?.entries === undefined,
  );
}

/** Returns the upstreams of the registry that do not exist, for example because a client has deleted them. */
function missing_names(memory: Memory): string[] {
  const { groups, feed, refusals } = memory;
  const is_full = keys_of(feed.subscriptions).length >= MOST_UPSTREAMS;
  const pause = new_pause();
  return keys_of(groups).filter((name) => {
    pause();
    if (subscription_of(memory, name) !== undefined) return false;
    const refusal = refusals.get(name);
    if (refusal?.is_final === true || (is_full && refusal?.reason === TOO_MANY)) return false;
    return refusal === undefined || get_text(name) === undefined;
  });
}

/** Returns the upstreams that the registry does not have and that are kept for the servers of others. */
function kept_names(memory: Memory): string[] {
  return keys_of(memory.refusals).filter(
    (name) => !memory.groups.has(name) && subscription_of(memory, name) !== undefined,
  );
}

/** Forgets why upstreams were refused that neither the registry nor the gateway has any more. */
function forget_refusals(memory: Memory): void {
  const { groups, refusals } = memory;
  for (const name of keys_of(refusals)) {
    if (!groups.has(name) && subscription_of(memory, name) === undefined) refusals.delete(name);
  }
}

/** Takes account of upstreams that others have made, changed or deleted. Phases that can sleep. */
export function keep_up(memory: Memory): void {
  const { feed } = memory;
  if (!memory.has_answered) return;
  const names: string[] = [];
  const has_changed = memory.changes !== feed.changes;
  if (has_changed) {
    memory.changes = feed.changes;
    forget_refusals(memory);
    for (const name of new_names(memory)) names.push(name);
  }
  const now = clock.now();
  if (now >= memory.looked + LOOK_SECONDS) {
    memory.looked = now;
    const missing = is_resting(memory.making, now) ? [] : missing_names(memory);
    for (const name of missing.concat(kept_names(memory))) names.push(name);
    if (memory.is_outdated) report_template(memory);
  }
  const { error } = memory.making;
  const is_due = error !== undefined && !is_resting(memory.making, now);
  if (has_changed || is_due || names.length > 0) apply(memory, names, false);
}
