import type { Problem } from "../../config/problem";
import { no_pause } from "../../lib/pause";
import { append, clean_up, free_new_rows, not_saved, replace_text } from "../commit";
import { change_text } from "../disk/journal";
import { seal } from "../disk/sealed";
import * as disk from "../disk/writer";
import { difference } from "../document/difference";
import { format_document, parse_document, type Document, type Leaver } from "../document/document";
import { read } from "../document/read";
import type { Author } from "../history/author";
import { format_entry } from "../history/entry";
import * as history from "../history/files";
import { MOST_AT_ONCE, note_changes } from "../memory/changes";
import { revision } from "../memory/region";
import { stage_text, unstage } from "../memory/staging";
import { prepare, prepare_rows, type Change, type Prepared } from "../prepare";
import { begin_noted, forget_write, publish_made, repair, type MadeChange } from "../unfinished";

/**
 * A group of changes that are forced to the disk together. Each makes a revision of its own, on top of the
 * ones before it, and has its own line in the journal and its own entry in the history. None is visible
 * before the disk holds all of them. If that fails, none has happened.
 */

/** An upstream as the changes of a group so far make it. */
interface Pending {
  /** The number of its staged text. */
  number: number;
  /** Before the group. */
  first: Document | undefined;
  next: Document;
  text: string;
  note: MadeChange;
}

export interface Group {
  /** The last revision that it makes. */
  last: number;
  readonly upstreams: Pending[];
  readonly pending: LuaTable<string, Pending | undefined>;
  readonly changes: Prepared[];
  readonly lines: string[];
  readonly entries: string[];
  /** The number of changes in the entries. */
  recorded: number;
}

/** Opens a group. The caller holds the write lock until the group is closed. Raises a text on failure. */
export function open_group(): Group {
  repair();
  // A write that raised may have left staged texts.
  unstage();
  return {
    last: revision(),
    upstreams: [],
    pending: new LuaTable(),
    changes: [],
    lines: [],
    entries: [],
    recorded: 0,
  };
}

/** Returns how many changes a group may have. */
export function room_in_group(): number {
  return history.keeps_history() ? math.min(MOST_AT_ONCE, history.room_for_changes()) : MOST_AT_ONCE;
}

/** Returns an upstream as the group makes it; undefined: it does not exist. */
export function read_in_group(group: Group, name: string): Document | undefined {
  const pending = group.pending.get(name);
  return pending === undefined ? read(name) : parse_document(pending.text);
}

/** Returns the entry of a change that makes a revision, and whether it counts; undefined: none is kept. */
function entry_of(
  group: Group,
  made: number,
  change: Prepared,
  text: string,
  author: Author,
): LuaMultiReturn<[string | undefined, boolean]> {
  if (!history.keeps_history()) return $multi(undefined, false);
  if (group.entries.length === 0) history.prepare_append(made);
  const recording = { revision: made, author, pause: no_pause, earlier: group.recorded };
  const [entry, is_recorded] = format_entry([change], [text], recording);
  return $multi(entry, is_recorded);
}

/**
 * Adds a change that creates or changes an upstream. Returns false when its text finds no room; then the
 * group is as it was before, and the rows that the edit has allocated are free again. What can raise comes
 * first, so that the group makes each of its revisions.
 */
export function add_to_group(group: Group, change: Change, author: Author): boolean {
  const { name } = change;
  const made = group.last + 1;
  const prepared = prepare(change, made);
  const next = change.next as Document;
  const before = group.pending.get(name);
  const number = before?.number ?? group.upstreams.length;
  const journalled = change_text(name, next, change.changed);
  const line = seal(journalled);
  const [entry, is_recorded] = entry_of(group, made, prepared, journalled, author);
  const text = stage_text(number, name, format_document(next), false);
  if (text === undefined) {
    free_new_rows([change]);
    // What was staged before has room again.
    if (before !== undefined && stage_text(number, name, before.text, false) === undefined)
      error("the dict has lost the room for a staged text", 0);
    return false;
  }
  group.last = made;
  prepared.text = text;
  prepare_rows(prepared, next);
  note_changes(made, [prepared.note]);
  group.lines.push(line);
  if (entry !== undefined) group.entries.push(entry);
  if (is_recorded) group.recorded += 1;
  group.changes.push(prepared);
  const first = before === undefined ? change.current : before.first;
  const pending = { number, first, next, text, note: { ...prepared.note, made } };
  group.pending.set(name, pending);
  group.upstreams[number] = pending;
  return true;
}

/** Gives up all changes of a group. The caller holds the write lock. */
export function give_up_group({ changes }: Group): void {
  free_new_rows(changes);
  unstage();
}

/** Returns the rows that changes of an upstream have made free. */
function gone_of(group: Group, name: string): Leaver[] {
  const gone: Leaver[] = [];
  for (const change of group.changes) {
    if (change.name === name) for (const leaver of change.gone) gone.push(leaver);
  }
  return gone;
}

function publish(group: Group, pause: (this: void) => void): void {
  for (const { number, first, next, text, note } of group.upstreams) {
    const { name } = note;
    const changed = difference(first?.lines ?? [], next.lines);
    replace_text(
      number,
      { name, current: first, next, changed, gone: gone_of(group, name), text },
      note.made,
    );
    pause();
  }
  publish_made(group.upstreams.map(({ note }) => note));
}

/**
 * Journals and publishes the changes of a group. Returns the problem for which none has happened. The caller
 * holds the write lock. May sleep.
 */
export function close_group(group: Group, pause: (this: void) => void): Problem | undefined {
  if (group.changes.length === 0) return undefined;
  const entries = table.concat(group.entries);
  const lines = table.concat(group.lines);
  history.note_entry(entries, group.recorded);
  const [trimmed, uncut] = disk.trim_journal();
  let cause = uncut;
  if (trimmed !== undefined) {
    begin_noted(group.last, lines);
    cause = append(entries, lines);
    if (cause !== undefined) forget_write();
  }
  if (cause !== undefined) {
    give_up_group(group);
    return not_saved(cause);
  }
  publish(group, pause);
  clean_up(group.changes, pause);
  unstage(pause);
  return undefined;
}
