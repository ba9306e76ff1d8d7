import { canonical_address, duplicate_server } from "../config/address";
import { source_of } from "../config/discovery";
import * as clock from "../lib/clock";
import { internal_error } from "../lib/run";
import { new_pause } from "../lib/slices";
import { note_recovery } from "../net/backoff";
import { wanted_server, type Misfit, type WantedServer } from "../store/document/sourced";
import { UpstreamRow } from "../store/memory/cells";
import { is_over } from "../store/memory/generation";
import { shared_memory } from "../store/memory/region";
import { apply_wanted, type Outcome } from "./apply_answer";
import { SESSION_SECONDS, type Entry, type Feed, type Subscription } from "./source";
import { report, report_feed } from "./status";

/** What a source does with its answers. */

const REASONS = {
  waits: "it would remove more than max_removal_percent: it waits for equal answers",
  empty: "it would leave none: the last servers stay",
};

/** What a feed is to whoever reads the log: its source, and whose it is. */
export function describe_feed({ source, subscriptions }: Feed): string {
  const [first] = next(subscriptions);
  const [second] = next(subscriptions, first);
  return `${source} of upstream ${first ?? ""}${second === undefined ? "" : " and others"}`;
}

/** Whether a feed's session is to end: nobody listens any more. */
export function is_closed(feed: Feed): boolean {
  return next(feed.subscriptions)[0] === undefined || is_over();
}

/** The servers of an answer, each address once; `skipped` gets the others. */
function servers_of(entries: readonly Entry[], skipped: Misfit[]): WantedServer[] {
  const pause = new_pause();
  const servers: WantedServer[] = [];
  const given = new LuaTable<string, string | undefined>();
  for (const { key, server, problem } of entries) {
    if (server === undefined) {
      skipped.push({ server: key, reason: problem ?? "" });
    } else {
      const name = canonical_address(server.server);
      const first = given.get(name);
      if (first === undefined) {
        given.set(name, server.server);
        servers.push(wanted_server(server));
      } else {
        skipped.push({ server: key, reason: duplicate_server(server.server, first) });
      }
    }
    pause();
  }
  return servers;
}

/** Whether the upstream has been changed by others since the last answer was applied. */
function is_current(subscription: Subscription): boolean {
  return shared_memory()[subscription.row + UpstreamRow.REVISION] === subscription.revision;
}

/** Why an answer has no server although it has entries; undefined: it is empty. */
function why_unusable(skipped: readonly Misfit[]): string | undefined {
  if (skipped.length === 0) return undefined;
  const { server, reason } = skipped[0];
  return `none of the registry's ${skipped.length} entries can be a server: ${server}: ${reason}`;
}

function conclude(
  subscription: Subscription,
  count: number,
  unusable: string | undefined,
  outcome: Outcome,
): void {
  const { problem, document, verdict, unwanted, misfits } = outcome;
  if (document !== undefined) subscription.revision = document.revision;
  const is_held = verdict !== "removes";
  subscription.is_settled = problem === undefined && verdict !== "waits";
  report(subscription, {
    error: problem?.text ?? unusable,
    skipped: misfits,
    reason: is_held ? REASONS[verdict] : undefined,
    pending: is_held ? unwanted : [],
    servers: count,
  });
}

function apply(subscription: Subscription, entries: readonly Entry[], is_new: boolean): void {
  const { name, stamp, guard, discovery: limits } = subscription;
  subscription.is_applying = true;
  const skipped: Misfit[] = [];
  const servers = servers_of(entries, skipped);
  const unusable = servers.length === 0 ? why_unusable(skipped) : undefined;
  const is_stale = () =>
    subscription.entries !== entries || subscription.feed.subscriptions.get(name) !== subscription;
  const outcome = apply_wanted({
    name,
    stamp,
    source: "discovery",
    servers,
    is_new,
    guard,
    limits,
    is_stale,
  });
  subscription.is_applying = false;
  if (outcome.is_stale) return;
  for (const misfit of outcome.misfits) skipped.push(misfit);
  outcome.misfits = skipped;
  conclude(subscription, servers.length, unusable, outcome);
}

/**
 * Gives an upstream the servers that its registry names. Phases that can sleep.
 *
 * @param entries all that the registry has for it
 * @param revision the registry's own count of its changes; "": it has none
 * @returns false: ask the registry again after `CONFIRM_SECONDS`
 */
export function answer(subscription: Subscription, entries: Entry[], revision: string): boolean {
  const { feed, name } = subscription;
  if (is_over() || feed.subscriptions.get(name) !== subscription) return true;
  subscription.entries = entries;
  subscription.registry_revision = revision;
  apply(subscription, entries, true);
  return subscription.is_settled;
}

/** Notes that the registry has answered, whether or not anything has changed. */
export function note_success(feed: Feed): void {
  note_recovery(feed, describe_feed(feed));
  report_feed(feed, undefined);
}

/**
 * Notes that a watch is open. After a failure that is not enough: a watch that is opened and fails at once
 * would hide it, and would be tried again without a pause. `note_success` follows when the watch has brought
 * something, or has lasted.
 */
export function note_opened(feed: Feed): void {
  if (feed.failures === 0) note_success(feed);
}

/**
 * Takes one step of a session after the other, until one fails, nobody listens any more or it has lasted for long
 * enough. Phases that can sleep.
 *
 * @param step returns the cause when it fails
 * @returns the cause of the failure
 */
export function run_session(feed: Feed, step: (this: void) => string | undefined): string | undefined {
  const end = clock.now() + SESSION_SECONDS;
  let cause: string | undefined;
  while (cause === undefined && !is_closed(feed) && clock.now() < end) {
    const [returned, result] = pcall(step);
    // What a session has open must be closed, whatever happens.
    cause = returned ? result : internal_error(result);
  }
  return cause;
}

/** Gives an upstream that others have changed what its registry has said last. Phases that can sleep. */
export function reapply(subscription: Subscription): void {
  // What is being applied is new.
  if (subscription.entries === undefined || subscription.is_applying || is_current(subscription)) return;
  apply(subscription, subscription.entries, false);
}

/** The upstream of a feed that cannot be shared. */
export function only_subscription(feed: Feed): Subscription {
  const [, subscription] = next(feed.subscriptions);
  return subscription as Subscription;
}

/** The part of a subscription's configuration that is its source's. */
export function config_of<T>({ discovery }: Subscription): T {
  const source = source_of(discovery);
  return (source === undefined ? {} : discovery[source]) as T;
}
