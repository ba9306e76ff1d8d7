import { invalid_value } from "../../config/problem";
import type { Read } from "../../config/reader";
import { Header } from "../../store/memory/header_cells";
import { shared_memory } from "../../store/memory/region";
import { keeps_history } from "../../store/history/files";
import { begin_reading, changes_in, next_entry, type Entry, type Reading } from "../../store/history/reader";
import { new_listing_pause, type Answered, type NextPiece } from "../answer";
import { check_upstream, covers, covers_all, type Client } from "../client/client";
import { argument, type ApiRequest } from "../request";
import type { Route } from "../route";
import { entry_text } from "./entry_object";
import { not_in_history, NOT_KEPT, unreadable } from "./problems";

/** `/sluice/1/history`: the changes of the past, the newest first. */

const MOST_CHANGES = 1000;
const DEFAULT_CHANGES = "100";

/** What a client asks for. */
interface Wanted {
  client: Client;
  /** The only upstream; undefined: all. */
  upstream: string | undefined;
  /** Only changes after this revision. */
  since: number;
  /** Upper bound on the number of changes. */
  limit: number;
}

/** Reads a whole number from the query. */
function read_number(name: string, default_value: string, smallest: number, largest: number): Read<number> {
  const text = argument(name) ?? default_value;
  const value = string.find(text, "^%d+$")[0] === undefined ? undefined : tonumber(text);
  if (value === undefined || value < smallest || value > largest)
    return $multi(undefined, invalid_value(name, `must be a whole number from ${smallest} to ${largest}`));
  return $multi(value, undefined);
}

function read_wanted({ client }: ApiRequest): Read<Wanted> {
  const [since, bad_since] = read_number("since", "0", 0, 2 ** 53);
  if (since === undefined) return $multi(undefined, bad_since);
  const [limit, bad_limit] = read_number("limit", DEFAULT_CHANGES, 1, MOST_CHANGES);
  if (limit === undefined) return $multi(undefined, bad_limit);
  const upstream = argument("upstream");
  const foreign = upstream === undefined ? undefined : check_upstream(client, upstream);
  if (foreign !== undefined) return $multi(undefined, foreign);
  return $multi({ client, upstream, since, limit }, undefined);
}

/** Returns the JSON of an entry; undefined: it changes nothing that is wanted, or the reading has a flaw. */
function wanted_text(
  reading: Reading,
  entry: Entry,
  { client, upstream }: Pick<Wanted, "client" | "upstream">,
  pause: (this: void) => void,
): string | undefined {
  if (entry.bytes === 0) return undefined;
  const [changes, flaw] = changes_in(entry, upstream, pause);
  if (changes === undefined) {
    reading.flaw = flaw;
    return undefined;
  }
  const visible = covers_all(client) ? changes : changes.filter(({ now }) => covers(client, now.upstream));
  return visible.length === 0 ? undefined : entry_text(entry, visible, pause);
}

/** Returns the changes in pieces, one for each change. */
function history_pieces(wanted: Wanted): NextPiece {
  const reading = begin_reading();
  let newest: number | undefined;
  let separator = '{"changes":[';
  let left = wanted.limit;
  let is_done = false;
  const next_text = (pause: (this: void) => void): string | undefined => {
    while (left > 0) {
      const entry = next_entry(reading);
      newest ??= entry?.revision;
      if (entry === undefined || entry.revision <= wanted.since) return undefined;
      const text = wanted_text(reading, entry, wanted, pause);
      if (text !== undefined) return text;
      pause();
    }
    return undefined;
  };
  return (pause) => {
    if (is_done) return undefined;
    const text = next_text(pause);
    const start = separator;
    if (text !== undefined) {
      left -= 1;
      separator = ",";
      return start + text;
    }
    is_done = true;
    const oldest = reading.flaw === undefined ? shared_memory()[Header.HISTORY_START] : reading.expected;
    const last = newest ?? shared_memory()[Header.HISTORY_LAST];
    const rest = string.format('],"oldest":%d,"newest":%d}', oldest ?? last, last);
    return separator === "," ? rest : start + rest;
  };
}

function get_all(this: void, request: ApiRequest): Answered {
  if (!keeps_history()) return $multi(undefined, NOT_KEPT);
  const [wanted, problem] = read_wanted(request);
  if (wanted === undefined) return $multi(undefined, problem);
  return $multi({ status: 200, next_piece: history_pieces(wanted) }, undefined);
}

/** Returns the entry of a revision. */
function find(reading: Reading, revision: number, pause: (this: void) => void): Entry | undefined {
  let entry = next_entry(reading);
  while (entry !== undefined && entry.revision > revision) {
    pause();
    entry = next_entry(reading);
  }
  return entry?.revision === revision ? entry : undefined;
}

function get_one(this: void, { parameters, client }: ApiRequest): Answered {
  if (!keeps_history()) return $multi(undefined, NOT_KEPT);
  const [digits] = string.match(parameters.revision, "^%d+$");
  const revision = digits === undefined || digits.length > 15 ? undefined : tonumber(digits);
  if (revision === undefined)
    return $multi(undefined, invalid_value("revision", "must be the number of a revision"));
  const memory = shared_memory();
  if (revision <= memory[Header.HISTORY_START] || revision > memory[Header.HISTORY_LAST])
    return $multi(undefined, not_in_history(revision));
  const reading = begin_reading();
  const pause = new_listing_pause();
  const entry = find(reading, revision, pause);
  const text =
    entry === undefined ? undefined : wanted_text(reading, entry, { client, upstream: undefined }, pause);
  if (text !== undefined) return $multi({ status: 200, text }, undefined);
  return $multi(undefined, reading.flaw === undefined ? not_in_history(revision) : unreadable(reading));
}

export const routes: Route[] = [
  { path: "history", scope: "filtered", GET: get_all },
  { path: "history/{revision}", scope: "filtered", GET: get_one },
];
