import type { Available, Peer } from "./method";

/** Peers that take turns: a circle, linked both ways, so that each can leave in one step. */

export interface Member<R> extends Peer {
  ring: R;
  before: Member<R>;
  after: Member<R>;
  /** How many turns it has had, counted from where its ring would have it: the fewer, the more it is owed. */
  served: number;
  /** False until the rotation starts with it. */
  has_started: boolean;
}

export interface Ring<R> {
  members: number;
  /** Whose turn is next. */
  next: Member<R>;
  /** Who is next to take a turn that its member cannot take; so such turns are shared by all the others. */
  spare: Member<R>;
  /** The one that joined last, if it is still a member: where the search for the next one's place starts. */
  latest: Member<R>;
}

/** So many members are looked at from either end for the place of one that joins; many may join at once. */
const MOST_STEPS = 50;

function insert<R extends Ring<R>>(ring: R, member: Member<R>, after: Member<R>): void {
  member.ring = ring;
  ring.members = ring.members + 1;
  member.after = after;
  member.before = after.before;
  member.before.after = member;
  after.before = member;
}

/** Returns the member that stands behind a new one in the order of ids. One step if the latest one is its neighbour. */
function follower_of<R extends Ring<R>>(ring: R, id: number): Member<R> {
  let member = ring.latest;
  const is_forward = member.id < id;
  if (is_forward) member = member.after;
  for (const _ of $range(1, ring.members)) {
    const { before } = member;
    // The order ends where ids fall.
    if (before.id >= member.id || (is_forward ? member.id > id : before.id < id)) return member;
    member = is_forward ? member.after : before;
  }
  return member;
}

/** Lets a peer join at its place in the order of ids. If it would be next, it waits for all the others. */
export function join_ring<R extends Ring<R>>(ring: R, member: Member<R>): void {
  if (ring.members === 0) {
    member.before = member;
    ring.next = member;
    ring.spare = member;
    insert(ring, member, member);
  } else {
    insert(ring, member, follower_of(ring, member.id));
  }
  ring.latest = member;
}

/** Whom to join before so as to stand in the order of turns had; too far from both ends for that: near the front. */
function place_for<R extends Ring<R>>(ring: R, served: number): Member<R> {
  let front = ring.next;
  let back = ring.next;
  for (const _ of $range(1, math.min(ring.members, MOST_STEPS))) {
    if (served < front.served) return front;
    if (back.before.served <= served) return back;
    front = front.after;
    back = back.before;
  }
  return front;
}

/** Lets a peer join behind those that have had as few turns as it has, or fewer. */
export function join_in_order<R extends Ring<R>>(ring: R, member: Member<R>): void {
  if (ring.members === 0) {
    join_ring(ring, member);
    return;
  }
  const is_first = member.served < ring.next.served;
  insert(ring, member, place_for(ring, member.served));
  if (is_first) ring.next = member;
}

/** Takes a peer out of its ring. */
export function leave_ring<R extends Ring<R>>(member: Member<R>): void {
  const ring = member.ring;
  ring.members = ring.members - 1;
  if (ring.next === member) ring.next = member.after;
  if (ring.spare === member) ring.spare = member.after;
  if (ring.latest === member) ring.latest = member.before;
  member.before.after = member.after;
  member.after.before = member.before;
}

/** Lets no member have had fewer turns than `least`. */
export function raise_served<R extends Ring<R>>(ring: R, least: number): void {
  let member = ring.next;
  for (const _ of $range(1, ring.members)) {
    member.served = math.max(member.served, least);
    member = member.after;
  }
}

/** Gives the turn to the next member. Hot. */
export function step<R extends Ring<R>>(ring: R): Member<R> {
  const member = ring.next;
  ring.next = member.after;
  member.served = member.served + 1;
  return member;
}

/** The member that is to have a turn which its own cannot take: the next available one among the others. */
export function first_available<R extends Ring<R>>(ring: R, available: Available): Member<R> | undefined {
  let member = ring.spare;
  for (const _ of $range(1, ring.members)) {
    if (available(member)) return member;
    member = member.after;
  }
  return undefined;
}

/** Gives it that turn. */
export function step_to_available<R extends Ring<R>>(ring: R, available: Available): Member<R> | undefined {
  const member = first_available(ring, available);
  if (member !== undefined) ring.spare = member.after;
  return member;
}
