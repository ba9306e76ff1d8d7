import { new_heap, pop, push, remove as take_out, type Heap, type HeapEntry } from "../lib/heap";
import type { Available, Method, Peer, Surroundings } from "./method";
import {
  has_available,
  join_ring,
  leave_ring,
  step,
  step_to_available,
  type Member,
  type Ring,
} from "./ring";
import { only_in_rotation } from "./rotation";

/**
 * Smooth weighted round robin. Peers of one weight form a group and take turns in a ring; while all weights are
 * equal there is one group, and a pick is a step. Between groups it is earliest eligible virtual deadline first, in
 * O(log groups) (Stoica, Abdel-Wahab, "Earliest Eligible Virtual Deadline First", 1995; Linux schedules processes so).
 *
 * Virtual time goes forward by 1/total with each pick, so that one unit is a full cycle. A group's k-th turn becomes
 * eligible at its base + k/weight and is due at base + (k+1)/weight. The eligible group that is due first is picked.
 * That keeps every group within one pick of its exact share at any time: counts over a cycle are exact, and no peer
 * waits longer than 2 × total/weight picks.
 */
interface Group extends HeapEntry, Ring<Group> {
  /** Of each member. */
  peer_weight: number;
  /** Of all members together. */
  weight: number;
  /** The virtual time of its turn 0. */
  base: number;
  /** How many turns it has had since. */
  turn: number;
}

/** A turn counts as eligible this much of a pick too early, so that rounding does not delay it. */
const SLACK = 1e-3;
/** So many turns of unavailable peers, then all groups are looked at. */
const MOST_SKIPS = 8;

/** Makes a round robin without peers. Any phase. */
export function new_round_robin(this: void, { random }: Pick<Surroundings, "random">): Method {
  const groups = new LuaTable<number, Group>();
  let group_count = 0;
  /** The only group; undefined while there is none, or several: then they are in the heaps. */
  let sole: Group | undefined;
  /** Groups whose turn is eligible, by when it is due. */
  const eligible: Heap<Group> = new_heap();
  /** The others, by when their turn becomes eligible. */
  const waiting: Heap<Group> = new_heap();
  let total = 0;
  let time_base = 0;
  let picks = 0;
  let has_begun = false;

  /** Sums up the picks so far, before `total` changes. */
  function settle(): void {
    if (total > 0) time_base = time_base + picks / total;
    picks = 0;
  }

  function wait_for_turn(group: Group): void {
    group.key = group.base + group.turn / group.weight;
    push(waiting, group);
  }

  function withdraw(group: Group): void {
    take_out(waiting.entries.get(group.place) === group ? waiting : eligible, group);
  }

  /** How many picks the group is owed at this time; negative when it is ahead. Settled. */
  function lag(group: Group): number {
    return group.weight * (time_base - group.base) - group.turn;
  }

  /** Lets a group take part from now on, owed nothing. */
  function join(group: Group): void {
    group.base = time_base;
    group.turn = 0;
    wait_for_turn(group);
  }

  function add_group(peer_weight: number): Group {
    const group = {
      peer_weight,
      weight: 0,
      members: 0,
      base: 0,
      turn: 0,
      key: 0,
      place: 0,
    } as Partial<Group> as Group;
    groups.set(peer_weight, group);
    group_count = group_count + 1;
    if (group_count === 1) {
      sole = group;
      return group;
    }
    if (sole !== undefined) join(sole);
    sole = undefined;
    return group;
  }

  function remove_group(group: Group): void {
    groups.delete(group.peer_weight);
    group_count = group_count - 1;
    if (sole === group) {
      sole = undefined;
      return;
    }
    withdraw(group);
    // What it was owed falls to the others.
    time_base = time_base + lag(group) / (total - group.peer_weight);
    if (eligible.size + waiting.size > 1) return;
    sole = eligible.size > 0 ? pop(eligible) : pop(waiting);
  }

  /** Changes a group's weight, but not what it is owed. */
  function reweigh_group(group: Group, weight: number): void {
    if (sole !== group && group.weight > 0) {
      withdraw(group);
      group.base = time_base - lag(group) / weight;
      group.turn = 0;
      group.weight = weight;
      wait_for_turn(group);
      return;
    }
    group.weight = weight;
    if (sole !== group) join(group);
  }

  function enter(this: void, peer: Peer): void {
    const member = peer as Member<Group>;
    settle();
    const group = (groups.get(member.weight) as Group | undefined) ?? add_group(member.weight);
    join_ring(group, member);
    reweigh_group(group, group.weight + member.weight);
    total = total + member.weight;
    // Else all workers would begin with the same peer.
    if (!has_begun && random() * group.members < 1) group.next = member;
  }

  function leave(this: void, peer: Peer): void {
    const member = peer as Member<Group>;
    const group = member.ring;
    settle();
    leave_ring(member);
    if (group.members === 0) {
      remove_group(group);
    } else {
      reweigh_group(group, group.weight - member.weight);
    }
    // Sums of fractions leave something over.
    total = group_count === 0 ? 0 : total - member.weight;
  }

  function take_turn(group: Group): void {
    picks = picks + 1;
    group.turn = group.turn + 1;
    wait_for_turn(group);
  }

  /** Gives the turn to the group that is due first among the eligible. There are several. */
  function next_group(): Group {
    let now = time_base + picks / total;
    if (eligible.size === 0 && waiting.entries.get(1).key > now) {
      time_base = waiting.entries.get(1).key;
      picks = 0;
      now = time_base;
    }
    const horizon = now + SLACK / total;
    while (waiting.size > 0 && waiting.entries.get(1).key <= horizon) {
      const group = pop(waiting);
      group.key = group.base + (group.turn + 1) / group.weight;
      push(eligible, group);
    }
    const group = pop(eligible);
    take_turn(group);
    return group;
  }

  /** Gives the turn to the group that is due first among those with an available member, and to that member. */
  function find_available(available: Available): Member<Group> | undefined {
    let found: Group | undefined;
    let found_due = math.huge;
    for (const [, group] of pairs(groups)) {
      const due = group.base + (group.turn + 1) / group.weight;
      if (due < found_due && has_available(group, available)) {
        found = group;
        found_due = due;
      }
    }
    if (found === undefined) return undefined;
    withdraw(found);
    take_turn(found);
    return step_to_available(found, available);
  }

  function pick_among_groups(available: Available): Peer | undefined {
    for (const _ of $range(1, MOST_SKIPS)) {
      const member = step(next_group());
      if (available(member)) return member;
    }
    return find_available(available);
  }

  function pick(this: void, available: Available): Peer | undefined {
    has_begun = true;
    if (sole === undefined) return group_count === 0 ? undefined : pick_among_groups(available);
    const member = step(sole);
    if (available(member)) return member;
    return step_to_available(sole, available);
  }

  return only_in_rotation(enter, leave, pick);
}
