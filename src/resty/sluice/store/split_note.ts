import type { SplitConfig } from "../config/split";
import { parse_head } from "./document/document";
import { get_text, recall, remember } from "./memory/dict";

/**
 * A note in the shared dict of the splits and their members, so that most writes look at no other upstream.
 * It has the length up to which it grows, and a line `<split> <member> <member> ` for each split. Lines may
 * be outdated: a split may have several, or be none any longer.
 */

/** As many names are looked for one by one before all lines are read. */
const FEW = 4;
const SHORTEST_LIMIT = 4096;

/** Returns the split of an upstream as it is stored. Any phase. */
export function stored_split(name: string): SplitConfig | undefined {
  const text = get_text(name);
  return text === undefined ? undefined : parse_head(text)[0].split;
}

/** Returns the line of a split. Pure. */
export function line_of(name: string, { members }: SplitConfig): string {
  return `\n${name} ${table.concat(
    members.map(({ upstream }) => upstream),
    " ",
  )} `;
}

function current_note(): string {
  return (recall("splits") ?? "") as string;
}

function put_new(lines: string): boolean {
  const limit = math.max(SHORTEST_LIMIT, 2 * lines.length);
  return remember("splits", string.format("%d%s", limit, lines));
}

/** Notes the splits that were loaded. Returns false when the dict is full. Phase: init_by_lua. */
export function note_loaded(lines: readonly string[]): boolean {
  return lines.length === 0 || put_new(table.concat(lines as string[]));
}

/** Returns the lines of the noted upstreams that are splits. */
function current_lines(note: string, pause: (this: void) => void): string[] {
  const lines: string[] = [];
  const known = new LuaSet<string>();
  for (const [name] of string.gmatch(note, "\n([^\n ]+)")) {
    const split = known.has(name) ? undefined : stored_split(name);
    if (split !== undefined) lines.push(line_of(name, split));
    known.add(name);
    pause();
  }
  return lines;
}

/**
 * Adds lines to the note, before the splits are stored. Drops outdated lines when the note has doubled.
 * Returns false when the dict is full; then the note is as before. The caller holds the write lock.
 */
export function note_splits(lines: readonly string[], pause: (this: void) => void): boolean {
  if (lines.length === 0) return true;
  const before = current_note();
  const added = table.concat(lines as string[]);
  const limit = tonumber(string.match(before, "^%d+")[0]) ?? 0;
  const is_noted =
    before.length + added.length <= limit
      ? remember("splits", before + added)
      : put_new(table.concat(current_lines(before, pause)) + added);
  // A text that did not fit may have displaced the old one.
  if (!is_noted) remember("splits", before);
  return is_noted;
}

function may_have(note: string, members: readonly string[]): boolean {
  if (members.length > FEW) return true;
  for (const member of members) {
    if (string.find(note, ` ${member} `, 1, true)[0] !== undefined) return true;
  }
  return false;
}

function has_one(line: string, wanted: LuaSet<string>): boolean {
  for (const [member] of string.gmatch(line, "[^ ]+")) {
    if (wanted.has(member)) return true;
  }
  return false;
}

/** Returns the noted upstreams that may be splits with one of these members. Phases that can sleep. */
export function splits_with(members: readonly string[], pause: (this: void) => void): string[] {
  const note = current_note();
  const splits: string[] = [];
  if (!may_have(note, members)) return splits;
  const wanted = new LuaSet<string>();
  for (const member of members) wanted.add(member);
  const known = new LuaSet<string>();
  for (const [name, line] of string.gmatch(note, "\n([^\n ]+)([^\n]*)")) {
    if (!known.has(name) && has_one(line, wanted)) {
      known.add(name);
      splits.push(name);
    }
    pause();
  }
  return splits;
}
