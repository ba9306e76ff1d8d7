import { canonical_address, duplicate_server } from "../config/address";
import { new_pause } from "../lib/pause";
import type { HostRecord } from "../store/document/host";
import { wanted_server, type Misfit, type WantedServer } from "../store/document/sourced";
import { UpstreamRow } from "../store/memory/cells";
import { is_over } from "../store/memory/generation";
import { shared_memory } from "../store/memory/region";
import { apply_wanted, type Outcome } from "./apply_answer";
import type { Entry, Subscription } from "./source";
import { report } from "./status";

/** The answers of registries, and how they become the servers of upstreams. */

const REASONS = {
  waits: "the answer would remove more than max_removal_percent of the servers, and waits for equal answers",
  empty: "the answer would remove all servers, so the last servers are kept",
};

/** Returns the servers of an answer, each address once. Adds the other entries to `skipped`. */
export function servers_of(entries: readonly Entry[], skipped: Misfit[]): WantedServer[] {
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

/** Tells whether the upstream is unchanged since the last answer was applied. */
function is_current(subscription: Subscription): boolean {
  return shared_memory()[subscription.row + UpstreamRow.REVISION] === subscription.revision;
}

/** Says why an answer has entries but no server; undefined: the answer is empty. */
export function why_unusable(skipped: readonly Misfit[]): string | undefined {
  if (skipped.length === 0) return undefined;
  const { server, reason } = skipped[0];
  return `none of the registry's ${skipped.length} entries can be used as a server: ${server}: ${reason}`;
}

function conclude(
  subscription: Subscription,
  servers: readonly WantedServer[],
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
    servers: servers.length,
    down: servers.filter(({ config }) => config.down).length,
  });
}

function apply(subscription: Subscription, entries: readonly Entry[], is_new: boolean): void {
  const { config, feed, name, stamp, guard, limits, mark } = subscription;
  subscription.is_applying = true;
  const skipped: Misfit[] = [];
  const servers = servers_of(entries, skipped);
  const unusable = servers.length === 0 ? why_unusable(skipped) : undefined;
  const is_stale = () =>
    subscription.entries !== entries || subscription.feed.subscriptions.get(name) !== subscription;
  const outcome = apply_wanted({
    name,
    stamp,
    source: mark,
    servers,
    is_new,
    guard,
    limits,
    is_stale,
    host: feed.source === "resolve" ? (config as { host: HostRecord }).host : undefined,
  });
  subscription.is_applying = false;
  if (outcome.is_stale) return;
  for (const misfit of outcome.misfits) skipped.push(misfit);
  outcome.misfits = skipped;
  conclude(subscription, servers, unusable, outcome);
}

/**
 * Applies all entries that a registry has for an upstream. Returns false if the source must ask again after
 * `CONFIRM_SECONDS`. `revision`: the registry's own counter; "": none. Phases that can sleep.
 */
export function answer(subscription: Subscription, entries: Entry[], revision: string): boolean {
  const { feed, name } = subscription;
  if (is_over() || feed.subscriptions.get(name) !== subscription) return true;
  subscription.entries = entries;
  subscription.registry_revision = revision;
  apply(subscription, entries, true);
  return subscription.is_settled;
}

/** Applies the last answer again to an upstream that was changed by others. Phases that can sleep. */
export function reapply(subscription: Subscription): void {
  // A write in progress uses the newest state of the upstream anyway.
  if (subscription.entries === undefined || subscription.is_applying || is_current(subscription)) return;
  apply(subscription, subscription.entries, false);
}
