import {
  add_group,
  new_groups,
  put_in_schedule,
  remove_group,
  take_out_of_schedule,
  type Group,
  type Groups,
} from "./group";
import { type Peer, PeerField } from "./method";
import { join_in_order, join_ring, leave_ring, type Member } from "./ring";

/**
 * The peers of a round robin, and what they are owed: see `round_robin.ts`. Functions whose first argument is
 * a rota may run in any phase.
 */

/** Limit of the turns that a member of several is owed, because its ring may have changed often. */
export const MOST_OWED = 1;

/** The state of a round robin. It is a record, so that all round robins have the same functions. */
export interface Rota extends Groups {
  /** The only group; undefined while there is none, or several. */
  sole: Group | undefined;
  total: number;
  time_base: number;
  picks: number;
  /** Number of peers that remain of those at the start of the rotation; 0: the next pick starts it. */
  started: number;
  /** The first id of the cyclic order. */
  first_id: number;
  /** The place in the list at which this worker starts: from 0 up to, but not including, 1. */
  start: number;
}

/** Adds the picks so far to virtual time, before `total` changes. */
export function settle(rota: Rota): void {
  if (rota.total > 0) rota.time_base = rota.time_base + rota.picks / rota.total;
  rota.picks = 0;
}

/** Returns the turns that a group is owed; negative if it is ahead. `settle` must have been called. */
export function owed_to_group({ sole, time_base }: Rota, group: Group): number {
  return sole === group ? 0 : group.weight * (time_base - group.base) - group.turn;
}

/** Returns the turns that a peer is owed. `settle` must have been called. */
function owed_to(rota: Rota, member: Member<Group>): number {
  const ring = member[PeerField.RING];
  if (ring.members === 1) return owed_to_group(rota, ring);
  return math.max(
    -MOST_OWED,
    math.min(MOST_OWED, ring.peer_weight * rota.time_base - member[PeerField.SERVED]),
  );
}

/** Schedules a group again after it or its owed turns have changed. `settle` must have been called. */
export function reschedule(rota: Rota, group: Group, owed: number): void {
  take_out_of_schedule(rota, group);
  group.weight = group.members * group.peer_weight;
  if (rota.sole === group) return;
  group.base = rota.time_base - owed / group.weight;
  group.turn = 0;
  put_in_schedule(rota, group);
}

/** Returns the group of a weight for a member that is about to join it. `settle` must have been called. */
function group_of(rota: Rota, peer_weight: number, member: Member<Group>): Group {
  const known = rota.by_weight.get(peer_weight);
  if (known !== undefined) return known;
  const group = add_group(rota, peer_weight, member);
  const { sole } = rota;
  if (sole !== undefined) {
    sole.base = rota.time_base;
    sole.turn = 0;
  }
  rota.sole = rota.count === 1 ? group : undefined;
  return group;
}

/** Updates a group after a member has left its ring with its owed turns. */
function close_ranks(rota: Rota, group: Group, owed: number): void {
  if (group.members > 0) reschedule(rota, group, owed_to_group(rota, group) - owed);
  else remove_group(rota, group);
  rota.sole = rota.count === 1 ? rota.list.get(1) : undefined;
}

/** Adds a peer, which is owed no turns. */
export function enter(rota: Rota, peer: Peer): void {
  const member = peer as Member<Group>;
  settle(rota);
  const group = group_of(rota, member.weight, member);
  member[PeerField.SERVED] = member.weight * rota.time_base;
  member[PeerField.HAS_STARTED] = false;
  join_ring(group, member);
  reschedule(rota, group, owed_to_group(rota, group));
  rota.total = rota.total + member.weight;
}

export function leave(rota: Rota, peer: Peer): void {
  const member = peer as Member<Group>;
  settle(rota);
  const owed = owed_to(rota, member);
  leave_ring(member);
  if (member[PeerField.HAS_STARTED]) rota.started = rota.started - 1;
  close_ranks(rota, member[PeerField.RING], owed);
  // A sum of fractions has a rounding error.
  rota.total = rota.count === 0 ? 0 : rota.total - member.weight;
  // The other peers get its owed turns.
  if (rota.total > 0) rota.time_base = rota.time_base + owed / rota.total;
}

function move(rota: Rota, member: Member<Group>, to: Group, owed: number): void {
  const from = member[PeerField.RING];
  leave_ring(member);
  join_in_order(to, member);
  reschedule(rota, to, owed_to_group(rota, to) + owed);
  close_ranks(rota, from, owed);
}

export function reweigh(rota: Rota, peer: Peer, weight: number): void {
  const member = peer as Member<Group>;
  const ring = member[PeerField.RING];
  // `peer.weight` may have been changed by a method that uses this one.
  const { peer_weight } = ring;
  if (weight === peer_weight) return;
  settle(rota);
  const owed = owed_to(rota, member);
  member[PeerField.SERVED] = weight * rota.time_base - owed;
  rota.total = rota.total + weight - peer_weight;
  if (ring.members > 1 || rota.by_weight.has(weight)) {
    move(rota, member, group_of(rota, weight, member), owed);
    return;
  }
  rota.by_weight.delete(peer_weight);
  rota.by_weight.set(weight, ring);
  ring.peer_weight = weight;
  reschedule(rota, ring, owed);
}

/** Makes a rota without peers. */
export function new_rota(start: number): Rota {
  const rota = new_groups() as Rota;
  rota.total = 0;
  rota.time_base = 0;
  rota.picks = 0;
  rota.started = 0;
  rota.first_id = 0;
  rota.start = start;
  return rota;
}
