import type { Problem } from "../../config/problem";
import { is_equal } from "../../lib/json";
import { is_long_work, without_rest } from "../../lib/rest";
import { change_of } from "../change";
import { free_new_rows } from "../commit";
import { forces_changes } from "../disk/sync";
import * as disk from "../disk/writer";
import type { Document } from "../document/document";
import type { Edit } from "../edit";
import type { Author } from "../history/author";
import { get_text } from "../memory/dict";
import { check_new_places } from "../places";
import type { Change } from "../prepare";
import { is_replicated, type Reach } from "../replicate";
import { add_to_group, read_in_group, type Group } from "./group";
import { ALONE, in_group } from "./queue";

/** A write that shares the wait for the disk with others. */

interface Outcome {
  document: Document | undefined;
  problem: Problem | undefined;
}

/** An upstream whose text is longer, in bytes, takes so long that its changes rest, which a group cannot. */
const LARGEST_TEXT = 32768;

/** Returns whether a write can be in a group: only the wait for the disk is worth it. */
export function may_be_in_group(name: string, reach: Reach): boolean {
  if (!forces_changes() || !disk.is_open() || is_long_work()) return false;
  if (reach !== "own" && is_replicated()) return false;
  return (get_text(name) ?? "").length <= LARGEST_TEXT;
}

/** Tells whether a change concerns other upstreams: the rules of splits need those as they are stored. */
function concerns_others({ current, next }: Change): boolean {
  if (next === undefined) return current !== undefined;
  return next.split !== undefined && !is_equal(next.split, current?.split);
}

/** Makes a change in a group. */
function make(group: Group, name: string, author: Author, edit: Edit): Outcome | typeof ALONE {
  const current = read_in_group(group, name);
  const [next, refused] = edit(current, group.last + 1);
  if (refused !== undefined) return { document: undefined, problem: refused };
  const change = change_of(name, current, next);
  const problem = next === undefined ? undefined : check_new_places(current, next, change.changed);
  if (problem !== undefined || concerns_others(change)) {
    free_new_rows([change]);
    return problem === undefined ? ALONE : { document: undefined, problem };
  }
  if (!change.has_effect) return { document: current, problem: undefined };
  return add_to_group(group, change, author) ? { document: next, problem: undefined } : ALONE;
}

/** As `write_once` in `write.ts`, without other gateways. Raises what `edit` raises. */
export function write_in_group(name: string, author: Author, edit: Edit): Outcome | typeof ALONE {
  let outcome: Outcome | typeof ALONE | undefined;
  const failure = in_group((group) => {
    const depends = group.pending.has(name);
    const before = group.last;
    outcome = without_rest(() => make(group, name, author, edit));
    return depends || group.last > before;
  });
  if (outcome === ALONE || failure === ALONE) return ALONE;
  if (failure !== undefined || outcome === undefined) return { document: undefined, problem: failure };
  return outcome;
}
