import { invalid_value, type Problem } from "../config/problem";
import { MOST_LEVELS, type SplitConfig } from "../config/split";
import { is_equal } from "../lib/json";
import type { Document } from "./document/document";
import { OUT_OF_MEMORY } from "./document/problems";
import type { Author } from "./history/author";
import { get_text } from "./memory/dict";
import { line_of, note_splits, splits_with, stored_split } from "./split_note";

/**
 * The rules between a split and its members: they exist, no split leads back to itself, and no member is
 * deleted.
 */

/** A change of an upstream: its document before and after; undefined: there is none. */
interface Change {
  readonly name: string;
  readonly current: Document | undefined;
  readonly next: Document | undefined;
}

/** A problem of a change of the upstream `name`. */
interface NamedProblem {
  name: string;
  problem: Problem;
}

/** The upstreams as they are after changes. */
interface Outlook {
  exists: (this: void, name: string) => boolean;
  split_of: (this: void, name: string) => SplitConfig | undefined;
  /** The levels of splits that were counted; infinite: a split leads back to itself, or is being counted. */
  levels: LuaTable<string, number | undefined>;
}

/** How changes are checked. */
interface Manner {
  /** True: other gateways have made the changes, which are only noted. */
  is_own: boolean;
  author: Author;
  /** Called after each small step. */
  pause: (this: void) => void;
}

function outlook(changes: readonly Change[], pause: (this: void) => void): Outlook {
  const changed = new LuaTable<string, Change | undefined>();
  for (const change of changes) changed.set(change.name, change);
  return {
    exists: (name) => {
      const change = changed.get(name);
      return change === undefined ? get_text(name) !== undefined : change.next !== undefined;
    },
    split_of: (name) => {
      const change = changed.get(name);
      pause();
      return change === undefined ? stored_split(name) : change.next?.split;
    },
    levels: new LuaTable(),
  };
}

/** Returns the number of levels of splits from an upstream down; infinite: a split leads back to itself. */
function levels_of(name: string, view: Outlook, depth: number): number {
  const counted = view.levels.get(name);
  if (counted !== undefined) return counted;
  // It is too many already. The levels in between are not exact then, and the write is refused.
  if (depth > MOST_LEVELS) return depth;
  const split = view.split_of(name);
  if (split === undefined) return 0;
  view.levels.set(name, math.huge);
  let below = 0;
  for (const { upstream } of split.members) below = math.max(below, levels_of(upstream, view, depth + 1));
  view.levels.set(name, below + 1);
  return below + 1;
}

/** Tells whether the splits below an upstream lead to the upstream `wanted`. */
function leads_to(name: string, wanted: string, view: Outlook, seen: LuaSet<string>): boolean {
  if (name === wanted) return true;
  if (seen.has(name)) return false;
  seen.add(name);
  for (const { upstream } of view.split_of(name)?.members ?? []) {
    if (leads_to(upstream, wanted, view, seen)) return true;
  }
  return false;
}

function check_levels(name: string, upstream: string, path: string, view: Outlook): Problem | undefined {
  const levels = levels_of(upstream, view, 1);
  if (levels === math.huge) {
    const leads_back = leads_to(upstream, name, view, new LuaSet());
    return invalid_value(
      path,
      `"${upstream}" leads back to ${leads_back ? `"${name}"` : "a split below it"}`,
    );
  }
  if (levels < MOST_LEVELS) return undefined;
  return invalid_value(path, `must not have more than ${MOST_LEVELS - 1} levels of splits`);
}

/** Checks the members of a split that a change brings. Members that it had before may be missing. */
function check_members(
  { name, current }: Change,
  { members }: SplitConfig,
  view: Outlook,
  { check_upstream }: Author,
): Problem | undefined {
  const before = new LuaSet<string>();
  for (const { upstream } of current?.split?.members ?? []) before.add(upstream);
  for (const index of $range(0, members.length - 1)) {
    const { upstream } = members[index];
    const path = `split.members[${index}].upstream`;
    if (!before.has(upstream)) {
      const hidden = check_upstream?.(upstream);
      if (hidden !== undefined) return hidden;
      if (!view.exists(upstream)) return invalid_value(path, `there is no upstream "${upstream}"`);
    }
    const problem =
      upstream === name
        ? invalid_value(path, `"${name}" leads back to "${name}"`)
        : check_levels(name, upstream, path, view);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Checks the levels of the splits above those that have changed. */
function check_above(changed: readonly string[], view: Outlook, pause: (this: void) => void): NamedProblem[] {
  const seen = new LuaSet<string>();
  let below = changed;
  while (below.length > 0) {
    const above: string[] = [];
    for (const name of splits_with(below, pause)) {
      const levels = seen.has(name) ? 0 : levels_of(name, view, 1);
      if (levels > MOST_LEVELS && levels < math.huge) {
        const text = `must not make more than ${MOST_LEVELS} levels of splits with those that it belongs to`;
        return [{ name: changed[0], problem: invalid_value("split", text) }];
      }
      if (!seen.has(name)) above.push(name);
      seen.add(name);
    }
    below = above;
  }
  return [];
}

function in_split(upstream: string, split: string, { check_upstream }: Author): Problem {
  const shown = check_upstream?.(split) === undefined ? `the split "${split}"` : "a split";
  const text = `upstream "${upstream}" is a member of ${shown}: remove it there first`;
  return { status: 409, code: "UpstreamInSplit", text };
}

function check_deletions(
  names: readonly string[],
  { split_of }: Outlook,
  { author, pause }: Manner,
): NamedProblem[] {
  const deleted = new LuaSet<string>();
  for (const name of names) deleted.add(name);
  const problems: NamedProblem[] = [];
  for (const split of splits_with(names, pause)) {
    for (const { upstream } of split_of(split)?.members ?? []) {
      if (deleted.has(upstream)) {
        deleted.delete(upstream);
        problems.push({ name: upstream, problem: in_split(upstream, split, author) });
      }
    }
  }
  return problems;
}

/** Tells whether a change gives an upstream a split that it did not have. */
function brings_split({ current, next }: Change): boolean {
  return next?.split !== undefined && !is_equal(next.split, current?.split);
}

/** Returns the lines of changed splits for the note. */
function new_lines(changes: readonly Change[]): string[] {
  const lines: string[] = [];
  for (const { name, current, next } of changes) {
    const line = next?.split === undefined ? undefined : line_of(name, next.split);
    const before = current?.split === undefined ? undefined : line_of(name, current.split);
    if (line !== undefined && line !== before) lines.push(line);
  }
  return lines;
}

function check(
  changes: readonly Change[],
  splits: readonly Change[],
  deleted: readonly string[],
  manner: Manner,
): NamedProblem[] {
  const { author, pause } = manner;
  const view = outlook(changes, pause);
  const problems: NamedProblem[] = [];
  for (const change of splits) {
    const problem = check_members(change, change.next?.split as SplitConfig, view, author);
    if (problem !== undefined) problems.push({ name: change.name, problem });
    pause();
  }
  for (const problem of check_deletions(deleted, view, manner)) problems.push(problem);
  if (problems.length > 0) return problems;
  const changed = splits.map(({ name }) => name);
  return check_above(changed, view, pause);
}

/** Checks the splits that changes concern, and notes new ones. The caller holds the write lock. */
export function check_splits(changes: readonly Change[], manner: Manner): NamedProblem[] {
  const splits = changes.filter((change) => brings_split(change));
  const deleted = changes.filter(({ next }) => next === undefined).map(({ name }) => name);
  if (splits.length === 0 && deleted.length === 0) return [];
  const problems = manner.is_own ? [] : check(changes, splits, deleted, manner);
  if (problems.length > 0 || note_splits(new_lines(splits), manner.pause)) return problems;
  return [{ name: splits[0].name, problem: OUT_OF_MEMORY }];
}
