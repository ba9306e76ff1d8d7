import { comes_before, type Group, type Groups } from "./group";

/** Where a rotation starts: with another peer on each worker, and from there on in the order of ids. */

function collect_ids({ list, count }: Groups): number[] {
  const ids: number[] = [];
  for (const slot of $range(1, count)) {
    const group = list.get(slot);
    let member = group.next;
    for (const _ of $range(1, group.members)) {
      ids.push(member.id);
      member = member.after;
    }
  }
  return ids;
}

/**
 * Returns the id of the peer that a rotation starts with. O(peers × log(peers)).
 *
 * @param start how far into the peers, from 0 up to, not including, 1
 */
export function first_id_of(groups: Groups, start: number): number {
  const ids = collect_ids(groups);
  table.sort(ids);
  return ids[math.floor(start * ids.length)] ?? 0;
}

function start_group(group: Group, first_id: number): void {
  let member = group.next;
  let first = member;
  for (const _ of $range(1, group.members)) {
    member.has_started = true;
    if (comes_before(member, first, first_id)) first = member;
    member = member.after;
  }
  group.next = first;
  group.spare = first;
}

/**
 * Starts the rotation of each group with the first of its members in the order of ids from `first_id` on. O(peers).
 *
 * @returns how many peers there are
 */
export function start_from({ list, count }: Groups, first_id: number): number {
  let peers = 0;
  for (const slot of $range(1, count)) {
    const group = list.get(slot);
    start_group(group, first_id);
    peers = peers + group.members;
  }
  return peers;
}
