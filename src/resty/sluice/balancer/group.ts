import { due_at, new_schedule, wait_for_turn, withdraw, type Schedule, type Turns } from "./eevdf";
import { type Available, type Peer, PeerField } from "./method";
import { first_available, type Member, type Ring } from "./ring";

/** Peers of one weight. They take turns with each other, and the group takes turns with other groups. */
export interface Group extends Turns, Ring<Group> {
  /** The weight of each member; `weight` is the sum of all members. */
  peer_weight: number;
  /** Position in the list of groups. */
  slot: number;
}

export interface Groups {
  readonly by_weight: LuaTable<number, Group | undefined>;
  /** The groups from 1 on, in no particular order. */
  readonly list: LuaTable<number, Group>;
  count: number;
  /** Contains the groups while there are more than `FEW_GROUPS`; otherwise `NO_SCHEDULE`. */
  schedule: Schedule<Group>;
  is_scheduled: boolean;
}

/** Up to this number of groups, comparing all of them is as fast as the schedule. */
const FEW_GROUPS = 16;

/** The schedule of no group, which most upstreams have in common to save memory. */
const NO_SCHEDULE = new_schedule<Group>();

export function new_groups(): Groups {
  return {
    by_weight: new LuaTable(),
    list: new LuaTable(),
    count: 0,
    schedule: NO_SCHEDULE,
    is_scheduled: false,
  };
}

/** Puts a group into the schedule, if there is one. */
export function put_in_schedule(groups: Groups, group: Group): void {
  if (groups.is_scheduled) wait_for_turn(groups.schedule, group);
}

/** Takes a group out of the schedule, if there is one. */
export function take_out_of_schedule(groups: Groups, group: Group): void {
  if (groups.is_scheduled && group.weight > 0) withdraw(groups.schedule, group);
}

/** Begins or ends to use the schedule when the number of groups crosses `FEW_GROUPS`. */
function use_schedule(groups: Groups): void {
  if (groups.is_scheduled === groups.count > FEW_GROUPS) return;
  groups.is_scheduled = !groups.is_scheduled;
  groups.schedule = groups.is_scheduled ? new_schedule() : NO_SCHEDULE;
  for (const slot of $range(1, groups.count)) {
    const group = groups.list.get(slot);
    if (group.weight > 0) put_in_schedule(groups, group);
  }
}

/** Adds a group without members, which its first member is about to join. It is scheduled after that. */
export function add_group(groups: Groups, peer_weight: number, first: Member<Group>): Group {
  const slot = groups.count + 1;
  const group: Group = {
    peer_weight,
    slot,
    weight: 0,
    members: 0,
    next: first,
    spare: first,
    latest: first,
    base: 0,
    turn: 0,
    key: 0,
    place: 0,
  };
  groups.by_weight.set(peer_weight, group);
  groups.list.set(slot, group);
  groups.count = slot;
  use_schedule(groups);
  return group;
}

export function remove_group(groups: Groups, group: Group): void {
  take_out_of_schedule(groups, group);
  groups.by_weight.delete(group.peer_weight);
  const last = groups.list.get(groups.count);
  groups.list.set(group.slot, last);
  last.slot = group.slot;
  groups.list.delete(groups.count);
  groups.count = groups.count - 1;
  use_schedule(groups);
}

/** Tells whether a peer comes before another in the cyclic order of ids that starts at `first_id`. */
export function comes_before(peer: Peer, other: Peer, first_id: number): boolean {
  const is_late = peer.id < first_id;
  return is_late === other.id < first_id ? peer.id < other.id : !is_late;
}

/**
 * Returns the group whose next member is owed most by nginx's smooth weighted round robin, or comes first in
 * the order of ids of several equal ones. Differences below `slack` are rounding errors. O(groups).
 */
export function most_owed({ list, count }: Groups, time: number, slack: number, first_id: number): Group {
  let found = list.get(1);
  let found_owed = -math.huge;
  for (const slot of $range(1, count)) {
    const group = list.get(slot);
    const owed = group.peer_weight * time - group.next[PeerField.SERVED];
    const is_more = owed > found_owed + slack;
    if (is_more || (owed >= found_owed - slack && comes_before(group.next, found.next, first_id))) {
      found = group;
      found_owed = owed;
    }
  }
  return found;
}

/** Returns the group that is due first among those with an available member. O(peers). */
export function find_group({ list, count }: Groups, available: Available): Group | undefined {
  let found: Group | undefined;
  let found_due = math.huge;
  for (const slot of $range(1, count)) {
    const group = list.get(slot);
    const due = due_at(group);
    if (due < found_due && first_available(group, available) !== undefined) {
      found = group;
      found_due = due;
    }
  }
  return found;
}
