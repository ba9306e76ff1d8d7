import { pop } from "../lib/heap";
import { admit, eligible_at, first_at } from "./eevdf";
import { find_group, most_owed, put_in_schedule, take_out_of_schedule, type Group } from "./group";
import { type Available, type Method, type Peer, PeerField, type Surroundings } from "./method";
import { first_available, raise_served, step, step_to_available, type Member } from "./ring";
import {
  enter,
  leave,
  MOST_OWED,
  new_rota,
  owed_to_group,
  reschedule,
  reweigh,
  settle,
  type Rota,
} from "./rota";
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
function begin(rota: Rota): void {
  rota.first_id = first_id_of(rota, rota.start);
  rota.started = start_from(rota, rota.first_id);
}

function take_turn(rota: Rota, group: Group): void {
  rota.picks = rota.picks + 1;
  group.turn = group.turn + 1;
  put_in_schedule(rota, group);
}

/** Returns the group with the turn among a few groups. */
function next_of_few(rota: Rota): Group {
  const { total, first_id } = rota;
  return most_owed(rota, rota.time_base + (rota.picks + 1) / total, SLACK / total, first_id);
}

/** Takes the group with the turn among many groups: the one that is due first among the eligible. */
function next_of_many(rota: Rota): Group {
  const { schedule, total } = rota;
  const { eligible, waiting } = schedule;
  let now = rota.time_base + rota.picks / total;
  if (eligible.size === 0 && waiting.entries.get(1).key > now) {
    rota.time_base = waiting.entries.get(1).key;
    rota.picks = 0;
    now = rota.time_base;
  }
  admit(schedule, now + SLACK / total);
  return pop(eligible);
}

/** Advances to a time. Afterwards, peers that took the turns of unavailable ones are not ahead. */
function go_on_to(rota: Rota, time: number, available: Available): void {
  settle(rota);
  rota.time_base = math.max(rota.time_base, time);
  for (const slot of $range(1, rota.count)) {
    const group = rota.list.get(slot);
    const is_owed = owed_to_group(rota, group) > MOST_OWED;
    if (is_owed && first_available(group, available) === undefined) {
      reschedule(rota, group, MOST_OWED);
      raise_served(group, group.peer_weight * rota.time_base - MOST_OWED / group.members);
    }
  }
}

/** Gives the turn to an available member of the group that is due first. */
function find_available(rota: Rota, available: Available): Member<Group> | undefined {
  const found = find_group(rota, available);
  if (found === undefined) return undefined;
  go_on_to(rota, eligible_at(found), available);
  take_out_of_schedule(rota, found);
  take_turn(rota, found);
  const member = step_to_available(found, available);
  if (member !== undefined) member[PeerField.SERVED] = member[PeerField.SERVED] + 1;
  return member;
}

function pick_among_groups(rota: Rota, available: Available): Peer | undefined {
  for (const _ of $range(1, MOST_SKIPS)) {
    const group = rota.is_scheduled ? next_of_many(rota) : next_of_few(rota);
    take_turn(rota, group);
    const member = step(group);
    if (available(member)) return member;
  }
  return find_available(rota, available);
}

function pick(rota: Rota, available: Available): Peer | undefined {
  if (rota.started === 0) begin(rota);
  const { sole } = rota;
  if (sole === undefined) return rota.count === 0 ? undefined : pick_among_groups(rota, available);
  rota.picks = rota.picks + 1;
  const member = step(sole);
  if (available(member)) return member;
  return step_to_available(sole, available);
}

function look_ahead(rota: Rota, available: Available): Peer | undefined {
  const { sole, total } = rota;
  const time = rota.time_base + rota.picks / total;
  const group =
    sole ?? (rota.is_scheduled ? first_at(rota.schedule, time, SLACK / total) : next_of_few(rota));
  if (available(group.next)) return group.next;
  if (sole !== undefined) return first_available(sole, available);
  // A pick would first skip some unavailable peers, so this result is only likely.
  const likely = find_group(rota, available);
  if (likely === undefined || available(likely.next)) return likely?.next;
  return first_available(likely, available);
}

function peek(rota: Rota, available: Available): Peer | undefined {
  if (rota.count === 0) return undefined;
  if (rota.started > 0) return look_ahead(rota, available);
  rota.first_id = first_id_of(rota, rota.start);
  return as_if_started(rota, rota.first_id, () => look_ahead(rota, available));
}

/** Makes a round robin without peers. Any phase. */
export function new_round_robin(this: void, { start }: Pick<Surroundings, "start">): Method {
  const rota = new_rota(start);
  return {
    add: (peer) => {
      if (peer.in_rotation) enter(rota, peer);
    },
    remove: (peer) => {
      if (peer.in_rotation) leave(rota, peer);
    },
    reweigh: (peer, weight) => {
      if (peer.in_rotation) reweigh(rota, peer, weight);
      peer.weight = weight;
    },
    suspend: (peer) => {
      leave(rota, peer);
    },
    resume: (peer) => {
      enter(rota, peer);
    },
    pick: (available) => pick(rota, available),
    peek: (available) => peek(rota, available),
  };
}
