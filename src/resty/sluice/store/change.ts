import { have_equal } from "../config/block";
import { SETTINGS } from "../config/settings";
import { difference, type Difference } from "./document/difference";
import { BOOKKEEPING, type Document } from "./document/document";
import type { Change } from "./prepare";

/** Tells whether two versions of an upstream differ in this gateway. */
function differ(current: Document | undefined, next: Document | undefined, { added }: Difference): boolean {
  if (current === undefined || next === undefined) return current !== next;
  if (added.length > 0 || current.lines.length !== next.lines.length) return true;
  return !have_equal(SETTINGS, current, next) || !have_equal(BOOKKEEPING, current, next);
}

/** Returns the change of an upstream between two documents; undefined: it does not exist. */
export function change_of(name: string, current: Document | undefined, next: Document | undefined): Change {
  const changed = difference(current?.lines ?? [], next?.lines ?? []);
  return { name, current, next, changed, has_effect: differ(current, next, changed) };
}
