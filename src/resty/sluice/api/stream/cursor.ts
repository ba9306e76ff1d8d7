import { Header } from "../../store/memory/header_cells";
import { last_event } from "../../store/memory/dict";
import { revision, shared_memory } from "../../store/memory/region";

/**
 * Positions in the stream of events and changes, as texts for clients:
 * `<number of the last event>.<last revision>.<run of nginx>`.
 */

/** How much of the stream a client has. */
export interface Cursor {
  /** The number of the last event. */
  event: number;
  /** The revision of the last change. */
  revision: number;
}

/** The numbers of events begin again with each run of nginx, so a cursor names the run that it is from. */
const RUNS = 2 ** 24;
/** More digits are not exact in a Lua number. */
const MOST_DIGITS = 15;

function run(): string {
  return string.format("%x", shared_memory()[Header.STARTED_AT] % RUNS);
}

/** Returns the position after all events and changes. Any phase. */
export function newest(): Cursor {
  return { event: last_event(), revision: revision() };
}

/** Returns the text of a position. Any phase. */
export function format_cursor(cursor: Cursor): string {
  return `${string.format("%d.%d", cursor.event, cursor.revision)}.${run()}`;
}

/**
 * Parses a position; undefined: the text is no cursor. And whether this run of nginx has reached it; a cursor
 * without a run counts as one of this run.
 */
export function parse_cursor(text: string): LuaMultiReturn<[Cursor | undefined, boolean]> {
  const [short_event, short_revision] = string.match(text, "^(%d+)%.(%d+)$");
  const [long_event, long_revision, its_run] = string.match(text, "^(%d+)%.(%d+)%.(%x*)$");
  const [event_digits, revision_digits] = [short_event ?? long_event, short_revision ?? long_revision];
  const is_short = (digits: string) => digits.length <= MOST_DIGITS;
  if (event_digits === undefined || !is_short(event_digits) || !is_short(revision_digits))
    return $multi(undefined, false);
  const cursor = { event: tonumber(event_digits) ?? 0, revision: tonumber(revision_digits) ?? 0 };
  const now = newest();
  const is_of_this_run = its_run === undefined || its_run === run();
  return $multi(cursor, is_of_this_run && cursor.event <= now.event && cursor.revision <= now.revision);
}
