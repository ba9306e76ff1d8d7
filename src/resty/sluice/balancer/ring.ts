import type { Available, Peer } from "./method";

/** Peers that take turns: a circle, linked both ways, so that each can leave in one step. */

export interface Member<R> extends Peer {
  ring: R;
  before: Member<R>;
  after: Member<R>;
}

export interface Ring<R> {
  members: number;
  /** Whose turn is next. */
  next: Member<R>;
  /** Who is next to take a turn that its member cannot take; so such turns are shared by all the others. */
  spare: Member<R>;
}

/** Lets a peer join at the end: it waits for all the others. */
export function join_ring<R extends Ring<R>>(ring: R, member: Member<R>): void {
  member.ring = ring;
  ring.members = ring.members + 1;
  if (ring.members === 1) {
    member.before = member;
    member.after = member;
    ring.next = member;
    ring.spare = member;
    return;
  }
  member.after = ring.next;
  member.before = ring.next.before;
  member.before.after = member;
  member.after.before = member;
}

/** Takes a peer out of its ring. */
export function leave_ring<R extends Ring<R>>(member: Member<R>): void {
  const ring = member.ring;
  ring.members = ring.members - 1;
  if (ring.next === member) ring.next = member.after;
  if (ring.spare === member) ring.spare = member.after;
  member.before.after = member.after;
  member.after.before = member.before;
}

/** Gives the turn to the next member. Hot. */
export function step<R extends Ring<R>>(ring: R): Member<R> {
  const member = ring.next;
  ring.next = member.after;
  return member;
}

/** Gives a turn, which its member cannot take, to the next available one among the others. */
export function step_to_available<R extends Ring<R>>(ring: R, available: Available): Member<R> | undefined {
  let member = ring.spare;
  for (const _ of $range(1, ring.members)) {
    const { after } = member;
    if (available(member)) {
      ring.spare = after;
      return member;
    }
    member = after;
  }
  return undefined;
}

/** Tells whether a ring has an available member. */
export function has_available<R extends Ring<R>>(ring: R, available: Available): boolean {
  let member = ring.next;
  for (const _ of $range(1, ring.members)) {
    if (available(member)) return true;
    member = member.after;
  }
  return false;
}
