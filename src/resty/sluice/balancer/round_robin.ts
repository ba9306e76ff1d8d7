import { pop } from "../lib/heap";
import { admit, eligible_at, first_at } from "./eevdf";
import {
  add_group,
  find_group,
  most_owed,
  new_groups,
  put_in_schedule,
  remove_group,
  take_out_of_schedule,
  type Group,
} from "./group";
import type { Available, Method, Peer, Surroundings } from "./method";
import {
  first_available,
  join_in_order,
  join_ring,
  leave_ring,
  raise_served,
  step,
  step_to_available,
  type Member,
} from "./ring";
import { only_in_rotation } from "./rotation";
import { as_if_started, first_id_of, start_from } from "./start";

/**
 * Smooth weighted round robin. Peers of one weight form a group and take turns in a ring. While all weights
 * are equal there is one group, and a pick is one step. With a few groups the sequence is that of nginx. With
 * more groups it is earliest eligible virtual deadline first, in O(log groups).
 *
 * Virtual time advances by 1/total with each pick, so that one unit is a full cycle. Every group stays within
 * one pick of its exact share: counts over a cycle are exact, and no peer waits longer than 2 × total/weight
 * picks.
 *
 * A group or a peer is owed its weight × virtual time minus the turns that it has had. The sum over all peers
 * is 0. A peer keeps its owed turns when its weight changes, so that frequent changes do not cost it turns. A
 * peer that was unavailable for long is owed at most one turn.
 */

/** A turn becomes eligible this part of a pick early, so that rounding does not delay it. */
const SLACK = 1e-3;
/** After this number of turns of unavailable peers all groups are searched. */
const MOST_SKIPS = 8;
/** Limit of the turns that a member of several is owed, because its ring may have changed often. */
const MOST_OWED = 1;

/** Makes a round robin without peers. Any phase. */
export function new_round_robin(this: void, { start }: Pick<Surroundings, "start">): Method {
  const groups = new_groups();
  const { list } = groups;
  /** The only group; undefined while there is none, or several. */
  let sole: Group | undefined;
  let total = 0;
  let time_base = 0;
  let picks = 0;
  /** Number of peers that remain of those at the start of the rotation; 0: the next pick starts it. */
  let started = 0;
  /** The first id of the cyclic order. */
  let first_id = 0;

  function begin(): void {
    first_id = first_id_of(groups, start);
    started = start_from(groups, first_id);
  }

  /** Adds the picks so far to virtual time, before `total` changes. */
  function settle(): void {
    if (total > 0) time_base = time_base + picks / total;
    picks = 0;
  }

  /** Returns the turns that a group is owed; negative if it is ahead. `settle` must have been called. */
  function owed_to_group(group: Group): number {
    return sole === group ? 0 : group.weight * (time_base - group.base) - group.turn;
  }

  /** Returns the turns that a peer is owed. `settle` must have been called. */
  function owed_to({ ring, served }: Member<Group>): number {
    if (ring.members === 1) return owed_to_group(ring);
    return math.max(-MOST_OWED, math.min(MOST_OWED, ring.peer_weight * time_base - served));
  }

  /** Schedules a group again after it or its owed turns have changed. `settle` must have been called. */
  function reschedule(group: Group, owed: number): void {
    take_out_of_schedule(groups, group);
    group.weight = group.members * group.peer_weight;
    if (sole === group) return;
    group.base = time_base - owed / group.weight;
    group.turn = 0;
    put_in_schedule(groups, group);
  }

  /** Returns the group of a weight for a member that is about to join it. `settle` must have been called. */
  function group_of(peer_weight: number, member: Member<Group>): Group {
    const known = groups.by_weight.get(peer_weight);
    if (known !== undefined) return known;
    const group = add_group(groups, peer_weight, member);
    if (sole !== undefined) {
      sole.base = time_base;
      sole.turn = 0;
    }
    sole = groups.count === 1 ? group : undefined;
    return group;
  }

  /** Updates a group after a member has left its ring with its owed turns. */
  function close_ranks(group: Group, owed: number): void {
    if (group.members > 0) reschedule(group, owed_to_group(group) - owed);
    else remove_group(groups, group);
    sole = groups.count === 1 ? list.get(1) : undefined;
  }

  /** Adds a peer, which is owed no turns. */
  function enter(this: void, peer: Peer): void {
    const member = peer as Member<Group>;
    settle();
    const group = group_of(member.weight, member);
    member.served = member.weight * time_base;
    member.has_started = false;
    join_ring(group, member);
    reschedule(group, owed_to_group(group));
    total = total + member.weight;
  }

  function leave(this: void, peer: Peer): void {
    const member = peer as Member<Group>;
    settle();
    const owed = owed_to(member);
    leave_ring(member);
    if (member.has_started) started = started - 1;
    close_ranks(member.ring, owed);
    // A sum of fractions has a rounding error.
    total = groups.count === 0 ? 0 : total - member.weight;
    // The other peers get its owed turns.
    if (total > 0) time_base = time_base + owed / total;
  }

  function move(member: Member<Group>, to: Group, owed: number): void {
    const from = member.ring;
    leave_ring(member);
    join_in_order(to, member);
    reschedule(to, owed_to_group(to) + owed);
    close_ranks(from, owed);
  }

  function reweigh(this: void, peer: Peer, weight: number): void {
    const member = peer as Member<Group>;
    const { ring } = member;
    // `peer.weight` may have been changed by a method that uses this one.
    const { peer_weight } = ring;
    if (weight === peer_weight) return;
    settle();
    const owed = owed_to(member);
    member.served = weight * time_base - owed;
    total = total + weight - peer_weight;
    if (ring.members > 1 || groups.by_weight.has(weight)) {
      move(member, group_of(weight, member), owed);
      return;
    }
    groups.by_weight.delete(peer_weight);
    groups.by_weight.set(weight, ring);
    ring.peer_weight = weight;
    reschedule(ring, owed);
  }

  function take_turn(group: Group): void {
    picks = picks + 1;
    group.turn = group.turn + 1;
    put_in_schedule(groups, group);
  }

  /** Returns the group with the turn among a few groups. */
  function next_of_few(): Group {
    return most_owed(groups, time_base + (picks + 1) / total, SLACK / total, first_id);
  }

  /** Takes the group with the turn among many groups: the one that is due first among the eligible. */
  function next_of_many(): Group {
    const { schedule } = groups;
    const { eligible, waiting } = schedule;
    let now = time_base + picks / total;
    if (eligible.size === 0 && waiting.entries.get(1).key > now) {
      time_base = waiting.entries.get(1).key;
      picks = 0;
      now = time_base;
    }
    admit(schedule, now + SLACK / total);
    return pop(eligible);
  }

  /** Advances to a time. Afterwards, peers that took the turns of unavailable ones are not ahead. */
  function go_on_to(time: number, available: Available): void {
    settle();
    time_base = math.max(time_base, time);
    for (const slot of $range(1, groups.count)) {
      const group = list.get(slot);
      const is_owed = owed_to_group(group) > MOST_OWED;
      if (is_owed && first_available(group, available) === undefined) {
        reschedule(group, MOST_OWED);
        raise_served(group, group.peer_weight * time_base - MOST_OWED / group.members);
      }
    }
  }

  /** Gives the turn to an available member of the group that is due first. */
  function find_available(available: Available): Member<Group> | undefined {
    const found = find_group(groups, available);
    if (found === undefined) return undefined;
    go_on_to(eligible_at(found), available);
    take_out_of_schedule(groups, found);
    take_turn(found);
    const member = step_to_available(found, available);
    if (member !== undefined) member.served = member.served + 1;
    return member;
  }

  function pick_among_groups(available: Available): Peer | undefined {
    for (const _ of $range(1, MOST_SKIPS)) {
      const group = groups.is_scheduled ? next_of_many() : next_of_few();
      take_turn(group);
      const member = step(group);
      if (available(member)) return member;
    }
    return find_available(available);
  }

  function pick(this: void, available: Available): Peer | undefined {
    if (started === 0) begin();
    if (sole === undefined) return groups.count === 0 ? undefined : pick_among_groups(available);
    picks = picks + 1;
    const member = step(sole);
    if (available(member)) return member;
    return step_to_available(sole, available);
  }

  function look_ahead(available: Available): Peer | undefined {
    const time = time_base + picks / total;
    const group =
      sole ?? (groups.is_scheduled ? first_at(groups.schedule, time, SLACK / total) : next_of_few());
    if (available(group.next)) return group.next;
    if (sole !== undefined) return first_available(sole, available);
    // A pick would first skip some unavailable peers, so this result is only likely.
    const likely = find_group(groups, available);
    if (likely === undefined || available(likely.next)) return likely?.next;
    return first_available(likely, available);
  }

  function peek(this: void, available: Available): Peer | undefined {
    if (groups.count === 0) return undefined;
    if (started > 0) return look_ahead(available);
    first_id = first_id_of(groups, start);
    return as_if_started(groups, first_id, () => look_ahead(available));
  }

  return only_in_rotation({ enter, leave, reweigh, pick, peek });
}
