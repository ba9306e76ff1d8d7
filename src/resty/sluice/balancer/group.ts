import type { Available } from "./method";
import { first_available, type Ring } from "./ring";
import { due_at, type Turns } from "./schedule";

/** Peers of one weight, which take turns with each other and, as one, with the other groups. */
export interface Group extends Turns, Ring<Group> {
  /** Of each member; `weight` is that of all members together. */
  peer_weight: number;
}

/** The group that is due first among those with an available member. O(peers). */
export function find_group(groups: LuaTable<number, Group>, available: Available): Group | undefined {
  let found: Group | undefined;
  let found_due = math.huge;
  for (const [, group] of pairs(groups)) {
    const due = due_at(group);
    if (due < found_due && first_available(group, available) !== undefined) {
      found = group;
      found_due = due;
    }
  }
  return found;
}
