import { next_by_key, pass_over, take_turn } from "../balancer/shares";
import { MOST_LEVELS } from "../config/split";
import { UpstreamCounter } from "../store/memory/counter_cells";
import type { Attempts } from "./attempts";
import { can_serve, choose, is_full } from "./choice";
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

/** The number of walks; the number of the last one identifies it. */
let walk = 0;

/** Logs once, until it gets requests again, that a member cannot get any. Not hot. */
function complain(split: string, member: SplitMember, cause: string): void {
  if (member.has_complained) return;
  member.has_complained = true;
  ngx.log(ngx.WARN, `sluice: upstream "${split}": its member "${member.name}" ${cause}`);
}

/** Chooses a server below a member that is a split. */
function choose_at_split(
  member: SplitMember,
  parent: LiveUpstream,
  upstream: LiveUpstream,
  split: Split,
  level: number,
  retried: Attempts | undefined,
  now: number,
): LiveServer | undefined {
  if (split.walk === -walk) return undefined;
  if (split.walk !== walk && level < MOST_LEVELS) {
    member.has_complained = false;
    return choose_below(upstream, split, level + 1, retried, now);
  }
  complain(
    parent.name,
    member,
    `leads back to it, or is below more than ${MOST_LEVELS - 1} levels of splits`,
  );
  return undefined;
}

/** Chooses a server of a member, and counts it; undefined: the member has none for this request. */
function choose_at(
  member: SplitMember,
  parent: LiveUpstream,
  level: number,
  retried: Attempts | undefined,
  now: number,
): LiveServer | undefined {
  const { name } = member;
  const upstream = retried === undefined ? find_upstream(name, now) : find_upstream_for_retry(name, now);
  if (upstream === undefined) {
    complain(parent.name, member, "does not exist");
    return undefined;
  }
  const { split } = upstream;
  if (split !== undefined) return choose_at_split(member, parent, upstream, split, level, retried, now);
  member.has_complained = false;
  const [server, lacks_key] = choose(upstream, retried, now);
  if (lacks_key && retried === undefined) count_at(upstream, UpstreamCounter.WITHOUT_KEY, 1);
  return server;
}

/** Returns the first member whose `match` the request meets. */
function matching_member(matching: readonly SplitMember[]): SplitMember | undefined {
  const [first] = matching;
  if (first.matches?.() === true) return first;
  for (const index of $range(1, matching.length - 1)) {
    if (matching[index].matches?.() === true) return matching[index];
  }
  return undefined;
}

/** Returns the member that gets a request by its share, among those that this walk has not passed over. */
function assign_by_share({ members, read_hash }: Split): SplitMember | undefined {
  const hash = read_hash === undefined ? undefined : read_hash();
  return hash === undefined ? take_turn(members, walk) : next_by_key(members, hash, walk);
}

/** Passes over a member in this walk. If it has just taken its turn, the turn is taken back. Not hot. */
function give_up({ members, read_hash, matching }: Split, member: SplitMember): void {
  const is_matched = matching !== undefined && matching_member(matching) === member;
  const has_key = read_hash !== undefined && read_hash() !== undefined;
  if (is_matched || has_key) member.passed_over = walk;
  else pass_over(members, member, walk);
}

/** Chooses a server of another member than the first one that the request was assigned to. Not hot. */
function choose_other(
  first: SplitMember | undefined,
  upstream: LiveUpstream,
  split: Split,
  level: number,
  retried: Attempts | undefined,
  now: number,
): LiveServer | undefined {
  let member = first;
  while (member !== undefined) {
    give_up(split, member);
    member = assign_by_share(split);
    const server = member === undefined ? undefined : choose_at(member, upstream, level, retried, now);
    if (server !== undefined) return server;
  }
  split.walk = -walk;
  return undefined;
}

function choose_below(
  upstream: LiveUpstream,
  split: Split,
  level: number,
  retried: Attempts | undefined,
  now: number,
): LiveServer | undefined {
  split.walk = walk;
  const { matching } = split;
  const member = (matching === undefined ? undefined : matching_member(matching)) ?? assign_by_share(split);
  const server = member === undefined ? undefined : choose_at(member, upstream, level, retried, now);
  return server ?? choose_other(member, upstream, split, level, retried, now);
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

/** Tells whether an upstream with servers has one for a request, or a queue in which it can wait for one. */
function admits(upstream: LiveUpstream, now: number): boolean {
  return can_serve(upstream, now) || (upstream.queue !== undefined && is_full(upstream, now));
}

/** Returns the upstream with servers that a member's request is assigned to, if that one admits it. */
function admitting({ name }: SplitMember, level: number, now: number): LiveUpstream | undefined {
  const upstream = find_upstream(name, now);
  if (upstream === undefined) return undefined;
  const { split } = upstream;
  if (split === undefined) return admits(upstream, now) ? upstream : undefined;
  return split.walk === walk || level >= MOST_LEVELS ? undefined : assigned_below(split, level + 1, now);
}

function assigned_below(split: Split, level: number, now: number): LiveUpstream | undefined {
  split.walk = walk;
  const { matching } = split;
  let member = (matching === undefined ? undefined : matching_member(matching)) ?? assign_by_share(split);
  while (member !== undefined) {
    const upstream = admitting(member, level, now);
    // Without a queue, the balancer takes the turn.
    if (upstream?.queue === undefined) give_up(split, member);
    if (upstream !== undefined) return upstream;
    member = assign_by_share(split);
  }
  return undefined;
}

/**
 * Returns the upstream below a split that a request is assigned to, among those that have a server for it or
 * let it wait; undefined: there is none. If that upstream has a queue, the request has taken its turn. Phase:
 * access_by_lua.
 */
export function assigned_upstream(split: Split, now: number): LiveUpstream | undefined {
  walk = walk + 1;
  return assigned_below(split, 1, now);
}
