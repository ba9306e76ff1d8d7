import "resty.core.hash";

import { next_by_key, pass_over, take_turn } from "../balancer/shares";
import { MOST_LEVELS } from "../config/split";
import { UpstreamCounter } from "../store/memory/counter_cells";
import type { Attempts } from "./attempts";
import { choose, is_still_available } from "./choice";
import { count_at } from "./view/counters";
import type { LiveServer, LiveUpstream, Split, SplitMember } from "./view/model";
import { find_upstream, find_upstream_for_retry } from "./view/view";

/**
 * The choice of a member for a request of a split, and of the member's server. A member is available if it
 * has a server for this very request, so that no request finds a member without one. Hot.
 *
 * The store refuses splits that lead back to themselves. Changes of several gateways at once can still make
 * one. So a walk through splits looks at each split once, and goes down a limited number of levels.
 */

/** The number of walks, and of choices of a member; the number of the last one identifies it. */
let walk = 0;
let choices = 0;

/** Logs once that a member cannot get requests. Not hot. */
function complain(split: string, member: SplitMember, cause: string): void {
  if (member.has_complained) return;
  member.has_complained = true;
  ngx.log(ngx.WARN, `sluice: upstream "${split}": its member "${member.name}" ${cause}`);
}

function find_member(member: SplitMember, is_retry: boolean, now: number): LiveUpstream | undefined {
  const upstream = is_retry ? find_upstream_for_retry(member.name, now) : find_upstream(member.name, now);
  member.upstream = upstream;
  return upstream;
}

/** Chooses a server of a member, and counts it; undefined: the member has none for this request. */
function choose_at(
  member: SplitMember,
  parent: LiveUpstream,
  level: number,
  retried: Attempts | undefined,
  now: number,
): LiveServer | undefined {
  const upstream = find_member(member, retried !== undefined, now);
  if (upstream === undefined) {
    complain(parent.name, member, "does not exist");
    return undefined;
  }
  const { split } = upstream;
  if (split !== undefined) {
    if (split.walk === -walk) return undefined;
    if (split.walk !== walk && level < MOST_LEVELS)
      return choose_below(upstream, split, level + 1, retried, now);
    complain(
      parent.name,
      member,
      `leads back to it, or is below more than ${MOST_LEVELS - 1} levels of splits`,
    );
    return undefined;
  }
  const [server, lacks_key] = choose(upstream, retried, now);
  if (lacks_key && retried === undefined) count_at(upstream, UpstreamCounter.WITHOUT_KEY, 1);
  return server;
}

/** Returns the first member whose `match` the request meets. */
function matching_member({ members }: Split): SplitMember | undefined {
  for (const index of $range(0, members.length - 1)) {
    const { matches } = members[index];
    if (matches !== undefined && matches()) return members[index];
  }
  return undefined;
}

function choose_by_key(
  upstream: LiveUpstream,
  { members }: Split,
  key: string,
  choice: number,
  level: number,
  retried: Attempts | undefined,
  now: number,
): LiveServer | undefined {
  const hash = ngx.crc32_long(key);
  let member = next_by_key(members, hash, choice);
  while (member !== undefined) {
    const server = choose_at(member, upstream, level, retried, now);
    if (server !== undefined) return server;
    member.passed_over = choice;
    member = next_by_key(members, hash, choice);
  }
  return undefined;
}

function choose_in_turn(
  upstream: LiveUpstream,
  { members }: Split,
  choice: number,
  level: number,
  retried: Attempts | undefined,
  now: number,
): LiveServer | undefined {
  let member = take_turn(members, choice);
  while (member !== undefined) {
    const server = choose_at(member, upstream, level, retried, now);
    if (server !== undefined) return server;
    pass_over(members, member, choice);
    member = take_turn(members, choice);
  }
  return undefined;
}

function choose_among(
  upstream: LiveUpstream,
  split: Split,
  level: number,
  retried: Attempts | undefined,
  now: number,
): LiveServer | undefined {
  choices = choices + 1;
  const choice = choices;
  const matching = split.has_matches ? matching_member(split) : undefined;
  if (matching !== undefined) {
    const server = choose_at(matching, upstream, level, retried, now);
    if (server !== undefined) return server;
    matching.passed_over = choice;
  }
  const { read_key } = split;
  const key = read_key === undefined ? undefined : read_key();
  if (key === undefined || key === "") return choose_in_turn(upstream, split, choice, level, retried, now);
  return choose_by_key(upstream, split, key, choice, level, retried, now);
}

function choose_below(
  upstream: LiveUpstream,
  split: Split,
  level: number,
  retried: Attempts | undefined,
  now: number,
): LiveServer | undefined {
  split.walk = walk;
  const server = choose_among(upstream, split, level, retried, now);
  if (server === undefined) split.walk = -walk;
  return server;
}

/**
 * Chooses a server below a split for a request after the attempts `retried`, and counts it; undefined: no
 * member has one. Phase: balancer_by_lua.
 */
export function choose_in_split(
  upstream: LiveUpstream,
  split: Split,
  retried: Attempts | undefined,
  now: number,
): LiveServer | undefined {
  walk = walk + 1;
  return choose_below(upstream, split, 1, retried, now);
}

function servers_below(split: Split, level: number, most: number, now: number): number {
  if (split.walk === walk || level > MOST_LEVELS) return 0;
  split.walk = walk;
  const { members } = split;
  let servers = 0;
  for (const index of $range(0, members.length - 1)) {
    if (servers >= most) return servers;
    const upstream = members[index].upstream ?? find_member(members[index], true, now);
    if (upstream !== undefined) {
      const below = upstream.split;
      servers +=
        below === undefined ? upstream.in_rotation : servers_below(below, level + 1, most - servers, now);
    }
  }
  return servers;
}

/** Returns the number of servers in rotation below a split, or some number from `most` up. */
export function count_servers(split: Split, most: number, now: number): number {
  walk = walk + 1;
  return servers_below(split, 1, most, now);
}

function is_below(split: Split, wanted: LiveUpstream, level: number): boolean {
  if (split.walk === walk || level > MOST_LEVELS) return false;
  split.walk = walk;
  const { members } = split;
  for (const index of $range(0, members.length - 1)) {
    const { name, upstream } = members[index];
    if (name === wanted.name) return true;
    const below = upstream?.split;
    if (below !== undefined && is_below(below, wanted, level + 1)) return true;
  }
  return false;
}

/** Tells whether an upstream that had a request of a split is still one of its members. Not hot. */
export function is_member(split: Split, upstream: LiveUpstream, now: number): boolean {
  walk = walk + 1;
  return is_below(split, upstream, 1) && find_upstream_for_retry(upstream.name, now) === upstream;
}

/** Tells whether a server that was chosen and counted before can still have the request. Not hot. */
export function is_available_in_split(split: Split, server: LiveServer, now: number): boolean {
  const { upstream } = server;
  return is_member(split, upstream, now) && is_still_available(upstream, server, now);
}

function assigned_below(split: Split, level: number, now: number): LiveUpstream | undefined {
  choices = choices + 1;
  const { members, read_key } = split;
  const matching = split.has_matches ? matching_member(split) : undefined;
  const key = matching !== undefined || read_key === undefined ? undefined : read_key();
  const takes_turn = matching === undefined && (key === undefined || key === "");
  const assigned = takes_turn
    ? take_turn(members, choices)
    : (matching ?? next_by_key(members, ngx.crc32_long(key ?? ""), choices));
  if (assigned === undefined) return undefined;
  const choice = choices;
  let upstream = find_member(assigned, false, now);
  if (upstream?.split !== undefined)
    upstream = level < MOST_LEVELS ? assigned_below(upstream.split, level + 1, now) : undefined;
  // Without a queue, the balancer takes the turn.
  if (takes_turn && upstream?.queue === undefined) pass_over(members, assigned, choice);
  return upstream;
}

/**
 * Returns the upstream below a split that a request is assigned to, available or not; undefined: it does not
 * exist. If that upstream has a queue, the request has taken its turn. Phase: access_by_lua.
 */
export function assigned_upstream(split: Split, now: number): LiveUpstream | undefined {
  return assigned_below(split, 1, now);
}
