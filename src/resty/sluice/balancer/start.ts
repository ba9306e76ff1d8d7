import { PeerField } from "./method";
import { comes_before, type Group, type Groups } from "./group";

/** The start of a rotation: each worker starts with another peer and continues in the order of ids. */

function collect_ids({ list, count }: Groups): number[] {
  const ids: number[] = [];
  for (const slot of $range(1, count)) {
    const group = list.get(slot);
    let member = group.next;
    for (const _ of $range(1, group.members)) {
      ids.push(member.id);
      member = member[PeerField.AFTER];
    }
  }
  return ids;
}

/** Returns the id of the peer with which a rotation starts, by its place `start` (0 to 1) in the list. */
export function first_id_of(groups: Groups, start: number): number {
  const ids = collect_ids(groups);
  table.sort(ids);
  return ids[math.floor(start * ids.length)] ?? 0;
}

function start_group(group: Group, first_id: number): void {
  let member = group.next;
  let first = member;
  for (const _ of $range(1, group.members)) {
    member[PeerField.HAS_STARTED] = true;
    if (comes_before(member, first, first_id)) first = member;
    member = member[PeerField.AFTER];
  }
  group.next = first;
  group.spare = first;
}

/** Starts each group with its first member in the cyclic order of ids. Returns the number of peers. */
export function start_from({ list, count }: Groups, first_id: number): number {
  let peers = 0;
  for (const slot of $range(1, count)) {
    const group = list.get(slot);
    start_group(group, first_id);
    peers = peers + group.members;
  }
  return peers;
}

function take_back_start(group: Group): void {
  let member = group.next;
  for (const _ of $range(1, group.members)) {
    member[PeerField.HAS_STARTED] = false;
    member = member[PeerField.AFTER];
  }
}

/** Returns what `look` returns once the rotation has started, which is then taken back. Not hot. */
export function as_if_started<T>(groups: Groups, first_id: number, look: (this: void) => T): T {
  const { list, count } = groups;
  const before: Group["next"][] = [];
  const spare_before: Group["next"][] = [];
  for (const slot of $range(1, count)) {
    before.push(list.get(slot).next);
    spare_before.push(list.get(slot).spare);
  }
  start_from(groups, first_id);
  const found = look();
  for (const slot of $range(1, count)) {
    const group = list.get(slot);
    take_back_start(group);
    group.next = before[slot - 1];
    group.spare = spare_before[slot - 1];
  }
  return found;
}
