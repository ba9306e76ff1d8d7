import * as clock from "../../lib/clock";
import { iso8601 } from "../../lib/iso8601";
import { decode, encode, record } from "../../lib/json";
import { Header } from "../../store/memory/header_cells";
import { changes_of, type MadeChanges } from "../../store/memory/changes";
import { get_event, last_event, MOST_EVENTS } from "../../store/memory/dict";
import { revision, shared_memory } from "../../store/memory/region";
import { ChangeKind } from "../../store/memory/upstream_change";
import type { Cursor } from "./cursor";

/** Reads the events and the changes of upstreams in the order in which they happened. */

export const KINDS = ["state", "decision", "problem", "change"] as const;

/** A message of the stream. */
export interface Item {
  kind: (typeof KINDS)[number] | "lost";
  /** The upstream that it is about; undefined for `lost`. */
  upstream: string | undefined;
  /** One line of JSON. */
  data: string;
}

/** A reader's position, and what it waits for. */
export interface Feed extends Cursor {
  /** Until when the reader waits for the events up to `awaited`; undefined: it does not wait. */
  deadline: clock.Moment | undefined;
  awaited: number;
  /** The changes of the next revision, and how many of them the reader has. Undefined: not read yet. */
  made: MadeChanges | undefined;
  taken: number;
}

/** The members of an event that matter here. */
interface StoredEvent {
  number: number;
  revision: number;
  upstream?: string;
  decision?: string;
  problem?: string;
}

/** The number of changes that are kept. The ring has room for some more, which may be under way. */
const KEPT_CHANGES = 1000;
/** How long a reader waits for an event that was counted and is not stored yet, in seconds. */
const PATIENCE_SECONDS = 0.2;

const change_record = record("revision time upstream change added removed changed");
const lost_record = record("reason");
const NAMES_OF_KINDS: Record<ChangeKind, string> = {
  [ChangeKind.CREATED]: "created",
  [ChangeKind.CHANGED]: "changed",
  [ChangeKind.DELETED]: "deleted",
};

/** Returns a reader that continues after a position. */
export function feed_from({ event, revision: made }: Cursor): Feed {
  return { event, revision: made, deadline: undefined, awaited: 0, made: undefined, taken: 0 };
}

/** Returns the position before everything that is kept. */
export function oldest(): Cursor {
  const start = shared_memory()[Header.START_REVISION];
  return {
    event: math.max(0, last_event() - MOST_EVENTS),
    revision: math.min(revision(), math.max(start, revision() - KEPT_CHANGES)),
  };
}

/** Returns the message that something is missing at this place of the stream. */
export function lost_item(reason: string): Item {
  return { kind: "lost", upstream: undefined, data: encode(lost_record({ reason })) };
}

function plural(count: number, noun: string): string {
  return `${string.format("%d", count)} ${noun}${count === 1 ? "" : "s"}`;
}

function go_to_revision(feed: Feed, made: number): void {
  feed.revision = made;
  feed.made = undefined;
  feed.taken = 0;
}

/** Continues with the oldest that is kept, if the reader has fallen behind it. */
function skip_lost(feed: Feed): Item | undefined {
  const kept = oldest();
  const events = math.max(0, kept.event - feed.event);
  const changes = math.max(0, kept.revision - feed.revision);
  if (events + changes === 0) return undefined;
  feed.event += events;
  if (changes > 0) go_to_revision(feed, kept.revision);
  const what = `${plural(events, "event")} and ${plural(changes, "change")}`;
  return lost_item(`${what} are no longer kept`);
}

/** Returns an event and its text; undefined: it is not stored yet, or it was replaced by a later one. */
function read_event(number: number): LuaMultiReturn<[StoredEvent | undefined, string]> {
  const text = get_event(number) ?? "";
  const event = decode(text)[0] as StoredEvent | undefined;
  return $multi(event?.number === number ? event : undefined, text);
}

/** Skips the events that were counted and never stored. */
function skip_unstored(feed: Feed): Item {
  const first = feed.event + 1;
  while (feed.event < feed.awaited && read_event(feed.event + 1)[0] === undefined) feed.event += 1;
  return lost_item(`${plural(feed.event - first + 1, "event")} could not be stored`);
}

/** Returns what replaces the next event, which cannot be read; undefined: the reader has to wait. */
function without_event(feed: Feed): Item | undefined {
  const lost = skip_lost(feed);
  if (lost !== undefined) return lost;
  const now = clock.now();
  if (feed.deadline === undefined || feed.event >= feed.awaited) {
    feed.deadline = now + PATIENCE_SECONDS;
    feed.awaited = last_event();
  }
  return now < feed.deadline ? undefined : skip_unstored(feed);
}

function kind_of({ decision, problem }: StoredEvent): Item["kind"] {
  if (decision !== undefined) return "decision";
  return problem === undefined ? "state" : "problem";
}

/** Returns the next change. The reader reaches a revision with the last of its changes. */
function next_change(feed: Feed): Item | undefined {
  const made = feed.revision + 1;
  feed.made ??= changes_of(made);
  if (feed.made === undefined) return skip_lost(feed);
  const { time, changes } = feed.made;
  if (changes.length === 0) {
    go_to_revision(feed, made);
    return lost_item(`the upstreams of revision ${string.format("%d", made)} are no longer kept`);
  }
  const { name, kind, counts } = changes[feed.taken];
  feed.taken += 1;
  if (feed.taken === changes.length) go_to_revision(feed, made);
  const object = {
    revision: made,
    time: iso8601(time),
    upstream: name,
    change: NAMES_OF_KINDS[kind],
    ...counts,
  };
  return { kind: "change", upstream: name, data: encode(change_record(object)) };
}

/**
 * Returns the next message and advances the reader; undefined: there is none yet. An event comes after the
 * change that made its revision, and before the next change. Any phase.
 */
export function next_item(feed: Feed): Item | undefined {
  const lost = skip_lost(feed);
  if (lost !== undefined) return lost;
  const number = feed.event + 1;
  if (number > last_event()) return feed.revision < revision() ? next_change(feed) : undefined;
  const [event, data] = read_event(number);
  if (event === undefined) return without_event(feed);
  if (event.revision > feed.revision && feed.revision < revision()) return next_change(feed);
  feed.event = number;
  return { kind: kind_of(event), upstream: event.upstream, data };
}
