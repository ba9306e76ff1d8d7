import { invalid_value, type Problem } from "../config/problem";
import { MOST_LEVELS, type SplitConfig } from "../config/split";
import { is_equal } from "../lib/json";
import { parse_head, type Document } from "./document/document";
import { OUT_OF_MEMORY } from "./document/problems";
import { get_text, recall, remember } from "./memory/dict";

/**
 * The rules between a split and its members: they exist, no split leads back to itself, and no member is
 * deleted. A note in the shared dict names the splits, so that other writes cost nothing. It may also name
 * upstreams that are no longer splits.
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
}

/** Returns the names of the upstreams that may be splits. Any phase. */
export function split_names(): string[] {
  const found: string[] = [];
  for (const [name] of string.gmatch((recall("splits") ?? "") as string, "[^\n]+")) found.push(name);
  return found;
}

/** Notes the splits that were loaded. Returns false when the dict is full. Phase: init_by_lua. */
export function note_splits(names: readonly string[]): boolean {
  return names.length === 0 || remember("splits", `\n${table.concat(names as string[], "\n")}\n`);
}

function stored_split(name: string): SplitConfig | undefined {
  const text = get_text(name);
  return text === undefined ? undefined : parse_head(text)[0].split;
}

function outlook(changes: readonly Change[]): Outlook {
  const changed = new LuaTable<string, Change | undefined>();
  for (const change of changes) changed.set(change.name, change);
  return {
    exists: (name) => {
      const change = changed.get(name);
      return change === undefined ? get_text(name) !== undefined : change.next !== undefined;
    },
    split_of: (name) => {
      const change = changed.get(name);
      return change === undefined ? stored_split(name) : change.next?.split;
    },
  };
}

/** Notes a split, unless that is done. Drops upstreams that are no longer splits. */
function note_split(name: string, { split_of }: Outlook): boolean {
  const noted = (recall("splits") ?? "\n") as string;
  if (string.find(noted, `\n${name}\n`, 1, true)[0] !== undefined) return true;
  const splits = split_names().filter((other) => split_of(other) !== undefined);
  splits.push(name);
  return note_splits(splits);
}

/**
 * Returns the number of levels of splits from an upstream down; infinite: a split leads back to itself.
 * `known`: the levels that were counted, where infinite also means that the count is under way.
 */
function levels_of(name: string, view: Outlook, known: LuaTable<string, number | undefined>): number {
  const counted = known.get(name);
  if (counted !== undefined) return counted;
  const split = view.split_of(name);
  if (split === undefined) return 0;
  known.set(name, math.huge);
  let levels = 0;
  for (const { upstream } of split.members) levels = math.max(levels, levels_of(upstream, view, known));
  known.set(name, levels + 1);
  return levels + 1;
}

/** Checks the members of a split that a change brings. Members that it had before may be missing. */
function check_members(
  name: string,
  current: Document | undefined,
  { members }: SplitConfig,
  view: Outlook,
): Problem | undefined {
  const before = new LuaSet<string>();
  for (const { upstream } of current?.split?.members ?? []) before.add(upstream);
  const known = new LuaTable<string, number | undefined>();
  known.set(name, math.huge);
  for (const index of $range(0, members.length - 1)) {
    const { upstream } = members[index];
    const path = `split.members[${index}].upstream`;
    if (!view.exists(upstream) && !before.has(upstream))
      return invalid_value(path, `there is no upstream "${upstream}"`);
    const levels = levels_of(upstream, view, known);
    if (levels === math.huge) return invalid_value(path, `"${upstream}" leads back to "${name}"`);
    if (levels >= MOST_LEVELS)
      return invalid_value(path, `must not have more than ${MOST_LEVELS - 1} levels of splits`);
  }
  return undefined;
}

function check_deletions(deleted: LuaSet<string>, { split_of }: Outlook): NamedProblem[] {
  const problems: NamedProblem[] = [];
  for (const split of split_names()) {
    for (const { upstream } of split_of(split)?.members ?? []) {
      if (deleted.has(upstream)) {
        deleted.delete(upstream);
        const text = `upstream "${upstream}" is a member of the split "${split}": remove it there first`;
        problems.push({ name: upstream, problem: { status: 409, code: "UpstreamInSplit", text } });
      }
    }
  }
  return problems;
}

/**
 * Checks the splits that changes concern, and notes new ones. The caller holds the write lock.
 *
 * @param is_own true: other gateways have made the changes, which are only noted
 */
export function check_splits(changes: readonly Change[], is_own: boolean): NamedProblem[] {
  const problems: NamedProblem[] = [];
  const deleted = new LuaSet<string>();
  let has_deleted = false;
  let view: Outlook | undefined;
  for (const { name, current, next } of changes) {
    if (next === undefined) {
      deleted.add(name);
      has_deleted = true;
    } else if (next.split !== undefined && !is_equal(next.split, current?.split)) {
      view ??= outlook(changes);
      const problem = is_own ? undefined : check_members(name, current, next.split, view);
      if (problem !== undefined) problems.push({ name, problem });
      else if (!note_split(name, view)) problems.push({ name, problem: OUT_OF_MEMORY });
    }
  }
  if (!has_deleted || is_own || recall("splits") === undefined) return problems;
  for (const problem of check_deletions(deleted, view ?? outlook(changes))) problems.push(problem);
  return problems;
}
