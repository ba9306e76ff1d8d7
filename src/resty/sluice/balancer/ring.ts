import type { Available, Peer } from "./method";

/** Peers that take turns: a doubly linked ring, from which a peer can be removed in one step. */

export interface Member<R> extends Peer {
  ring: R;
  before: Member<R>;
  after: Member<R>;
  /** Number of turns, relative to the turns of the ring. The fewer, the more the member is owed. */
  served: number;
  /** True: the member was there when the rotation started. */
  has_started: boolean;
}

export interface Ring<R> {
  members: number;
  /** The member with the next turn. */
  next: Member<R>;
  /** The member that takes the next turn of an unavailable member, so that all members share these turns. */
  spare: Member<R>;
  /** The member at which the search for the position of a new member starts: mostly the last that joined. */
  latest: Member<R>;
}

/** Limit of the search for the position of a new member from either end, because many may join at once. */
const MOST_STEPS = 50;

function insert<R extends Ring<R>>(ring: R, member: Member<R>, after: Member<R>): void {
  member.ring = ring;
  ring.members = ring.members + 1;
  member.after = after;
  member.before = after.before;
  member.before.after = member;
  after.before = member;
}

/** Returns the member after a new one in the order of ids. One step if the latest member is its neighbour. */
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

/** Adds a peer at its position in the order of ids. If its turn would be next, all others come first. */
export function join_ring<R extends Ring<R>>(ring: R, member: Member<R>): void {
  if (ring.members === 0) {
    // In the order of `insert`, so that LuaJIT finds the fields of all members in the same places.
    member.ring = ring;
    member.after = member;
    member.before = member;
    ring.next = member;
    ring.spare = member;
    insert(ring, member, member);
  } else {
    insert(ring, member, follower_of(ring, member.id));
  }
  ring.latest = member;
}

/** Returns the member before which a new one joins by its turns; near the front after `MOST_STEPS`. */
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

/** Adds a peer after the members that have had at most as many turns. */
export function join_in_order<R extends Ring<R>>(ring: R, member: Member<R>): void {
  if (ring.members === 0) {
    join_ring(ring, member);
    return;
  }
  const is_first = member.served < ring.next.served;
  insert(ring, member, place_for(ring, member.served));
  if (is_first) ring.next = member;
}

export function leave_ring<R extends Ring<R>>(member: Member<R>): void {
  const ring = member.ring;
  ring.members = ring.members - 1;
  if (ring.next === member) ring.next = member.after;
  if (ring.spare === member) ring.spare = member.after;
  if (ring.latest === member) ring.latest = member.before;
  member.before.after = member.after;
  member.after.before = member.before;
}

/** Raises the number of turns of each member to at least `least`. */
export function raise_served<R extends Ring<R>>(ring: R, least: number): void {
  let member = ring.next;
  for (const _ of $range(1, ring.members)) {
    member.served = math.max(member.served, least);
    member = member.after;
  }
}

/** Returns the next member and counts its turn. Hot. */
export function step<R extends Ring<R>>(ring: R): Member<R> {
  const member = ring.next;
  ring.next = member.after;
  member.served = member.served + 1;
  return member;
}

/** Returns the next available member from `spare` on, which takes the turn of an unavailable one. */
export function first_available<R extends Ring<R>>(ring: R, available: Available): Member<R> | undefined {
  let member = ring.spare;
  for (const _ of $range(1, ring.members)) {
    if (available(member)) return member;
    member = member.after;
  }
  return undefined;
}

/** Returns that member and moves `spare` behind it. */
export function step_to_available<R extends Ring<R>>(ring: R, available: Available): Member<R> | undefined {
  const member = first_available(ring, available);
  if (member !== undefined) ring.spare = member.after;
  return member;
}
