import { type Available, type Peer, PeerField } from "./method";

/** Peers that take turns: a doubly linked ring, from which a peer can be removed in one step. */

export interface Member<R> extends Peer {
  [PeerField.RING]: R;
  [PeerField.BEFORE]: Member<R>;
  [PeerField.AFTER]: Member<R>;
  /** Number of turns, relative to the turns of the ring. The fewer, the more the member is owed. */
  [PeerField.SERVED]: number;
  /** True: the member was there when the rotation started. */
  [PeerField.HAS_STARTED]: boolean;
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
  member[PeerField.RING] = ring;
  ring.members = ring.members + 1;
  member[PeerField.AFTER] = after;
  member[PeerField.BEFORE] = after[PeerField.BEFORE];
  member[PeerField.BEFORE][PeerField.AFTER] = member;
  after[PeerField.BEFORE] = member;
}

/** Returns the member after a new one in the order of ids. One step if the latest member is its neighbour. */
function follower_of<R extends Ring<R>>(ring: R, id: number): Member<R> {
  let member = ring.latest;
  const is_forward = member.id < id;
  if (is_forward) member = member[PeerField.AFTER];
  for (const _ of $range(1, ring.members)) {
    const before = member[PeerField.BEFORE];
    // The order ends where ids fall.
    if (before.id >= member.id || (is_forward ? member.id > id : before.id < id)) return member;
    member = is_forward ? member[PeerField.AFTER] : before;
  }
  return member;
}

/** Adds a peer at its position in the order of ids. If its turn would be next, all others come first. */
export function join_ring<R extends Ring<R>>(ring: R, member: Member<R>): void {
  if (ring.members === 0) {
    // In the order of `insert`, so that LuaJIT finds the fields of all members in the same places.
    member[PeerField.RING] = ring;
    member[PeerField.AFTER] = member;
    member[PeerField.BEFORE] = member;
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
    if (served < front[PeerField.SERVED]) return front;
    if (back[PeerField.BEFORE][PeerField.SERVED] <= served) return back;
    front = front[PeerField.AFTER];
    back = back[PeerField.BEFORE];
  }
  return front;
}

/** Adds a peer after the members that have had at most as many turns. */
export function join_in_order<R extends Ring<R>>(ring: R, member: Member<R>): void {
  if (ring.members === 0) {
    join_ring(ring, member);
    return;
  }
  const is_first = member[PeerField.SERVED] < ring.next[PeerField.SERVED];
  insert(ring, member, place_for(ring, member[PeerField.SERVED]));
  if (is_first) ring.next = member;
}

export function leave_ring<R extends Ring<R>>(member: Member<R>): void {
  const ring = member[PeerField.RING];
  ring.members = ring.members - 1;
  if (ring.next === member) ring.next = member[PeerField.AFTER];
  if (ring.spare === member) ring.spare = member[PeerField.AFTER];
  if (ring.latest === member) ring.latest = member[PeerField.BEFORE];
  member[PeerField.BEFORE][PeerField.AFTER] = member[PeerField.AFTER];
  member[PeerField.AFTER][PeerField.BEFORE] = member[PeerField.BEFORE];
}

/** Raises the number of turns of each member to at least `least`. */
export function raise_served<R extends Ring<R>>(ring: R, least: number): void {
  let member = ring.next;
  for (const _ of $range(1, ring.members)) {
    member[PeerField.SERVED] = math.max(member[PeerField.SERVED], least);
    member = member[PeerField.AFTER];
  }
}

/** Returns the next member and counts its turn. Hot. */
export function step<R extends Ring<R>>(ring: R): Member<R> {
  const member = ring.next;
  ring.next = member[PeerField.AFTER];
  member[PeerField.SERVED] = member[PeerField.SERVED] + 1;
  return member;
}

/** Returns the next available member from `spare` on, which takes the turn of an unavailable one. */
export function first_available<R extends Ring<R>>(ring: R, available: Available): Member<R> | undefined {
  let member = ring.spare;
  for (const _ of $range(1, ring.members)) {
    if (available(member)) return member;
    member = member[PeerField.AFTER];
  }
  return undefined;
}

/** Returns that member and moves `spare` behind it. */
export function step_to_available<R extends Ring<R>>(ring: R, available: Available): Member<R> | undefined {
  const member = first_available(ring, available);
  if (member !== undefined) ring.spare = member[PeerField.AFTER];
  return member;
}
