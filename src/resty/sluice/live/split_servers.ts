import { MOST_LEVELS } from "../config/split";
import { is_still_available } from "./choice";
import type { LiveServer, LiveUpstream, Split } from "./view/model";
import { rotations } from "./view/rotation";
import { find_upstream_for_retry } from "./view/view";

/** The servers below a split: how many there are, and whether one of them still belongs to it. */

/** Distinguishes walks through splits, so that each split is looked at once. */
let walk = 0.5;

function servers_below(split: Split, level: number, now: number): number {
  if (split.walk === walk || level > MOST_LEVELS) return 0;
  split.walk = walk;
  let servers = 0;
  for (const { name } of split.members) {
    const upstream = find_upstream_for_retry(name, now);
    if (upstream !== undefined) {
      const below = upstream.split;
      servers += below === undefined ? upstream.in_rotation : servers_below(below, level + 1, now);
    }
  }
  return servers;
}

/** Counts again, because a server has joined or left the rotation of some upstream. Not hot. */
function recount(split: Split, now: number): number {
  walk = walk + 1;
  const servers = servers_below(split, 1, now);
  split.servers = servers;
  // Views that were made just now have raised the number.
  split.counted_at = rotations();
  return servers;
}

/** Returns the number of servers in rotation below a split. Hot: counted only if it may have changed. */
export function count_servers(split: Split, now: number): number {
  return split.counted_at === rotations() ? split.servers : recount(split, now);
}

function is_below(split: Split, wanted: string, level: number, now: number): boolean {
  if (split.walk === walk || level > MOST_LEVELS) return false;
  split.walk = walk;
  for (const { name } of split.members) {
    if (name === wanted) return true;
    const below = find_upstream_for_retry(name, now)?.split;
    if (below !== undefined && is_below(below, wanted, level + 1, now)) return true;
  }
  return false;
}

/** Tells whether an upstream that had a request of a split is still below it. Not hot. */
export function is_member(split: Split, upstream: LiveUpstream, now: number): boolean {
  walk = walk + 1;
  return is_below(split, upstream.name, 1, now) && find_upstream_for_retry(upstream.name, now) === upstream;
}

/** Tells whether a server that was chosen and counted before can still have the request. Not hot. */
export function is_available_in_split(split: Split, server: LiveServer, now: number): boolean {
  const { upstream } = server;
  return is_member(split, upstream, now) && is_still_available(upstream, server, now);
}

function add_below(split: Split, level: number, now: number, found: LiveUpstream[]): void {
  if (split.walk === walk || level > MOST_LEVELS) return;
  split.walk = walk;
  for (const { name } of split.members) {
    const upstream = find_upstream_for_retry(name, now);
    if (upstream?.split !== undefined) add_below(upstream.split, level + 1, now, found);
    else if (upstream !== undefined) found.push(upstream);
  }
}

/** Returns the upstreams with servers below a split. Not hot. */
export function upstreams_below(split: Split, now: number): LiveUpstream[] {
  const found: LiveUpstream[] = [];
  walk = walk + 1;
  add_below(split, 1, now, found);
  return found;
}
