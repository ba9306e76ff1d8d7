import * as clock from "../../lib/clock";
import { iso8601 } from "../../lib/iso8601";
import { escape_invalid_utf8 } from "../../lib/utf8";
import { new_listing_pause } from "../answer";
import { format_cursor, type Cursor } from "./cursor";
import { feed_from, next_item, oldest, type Feed, type Item } from "./feed";
import { passes, type Filter } from "./filter";
import { wait_for_news, type Stream } from "./streams";

/** Sends the messages of a stream to its client, in the format of server-sent events. */

/** Where a stream begins. */
export interface Beginning {
  cursor: Cursor;
  /** A first message. */
  lost: Item | undefined;
}

/** The interval at which a client receives something, in seconds. */
export const HEARTBEAT_SECONDS = 15;
/** How long a client should wait before it connects again, in milliseconds. */
const RETRY = 1000;
const MESSAGES_A_PIECE = 100;
/** So many items are read without a look at the clock. */
const ITEMS_A_LOOK = 16;
/** The interval at which an event that is counted is looked for until it is stored, in seconds. */
const LOOK_SECONDS = 0.02;

/** Returns a message. The id is the position after it. Any phase. */
export function format_message({ kind, data }: Item, cursor: Cursor): string {
  return `id: ${format_cursor(cursor)}\nevent: ${kind}\ndata: ${escape_invalid_utf8(data)}\n\n`;
}

/** Returns the first text of a stream. A client keeps its id even if no message follows. */
export function format_greeting(cursor: Cursor): string {
  return `retry: ${RETRY}\n: Sluice's events and changes, as they happen\nid: ${format_cursor(cursor)}\n\n`;
}

/** Returns a comment, with the position that the client may have reached without a message. */
function format_heartbeat(cursor: Cursor): string {
  return `: ${iso8601(clock.wall_time())}\nid: ${format_cursor(cursor)}\n\n`;
}

/** Returns the messages of a reader that a client wants, some at a time; "": there are none now. */
export function next_messages(feed: Feed, filter: Filter, pause: (this: void) => void): string {
  const messages: string[] = [];
  let count = 0;
  let item = next_item(feed);
  while (item !== undefined) {
    if (passes(filter, item)) messages.push(format_message(item, feed));
    if (messages.length === MESSAGES_A_PIECE) break;
    count += 1;
    if (count % ITEMS_A_LOOK === 0) pause();
    item = next_item(feed);
  }
  return table.concat(messages);
}

/**
 * Returns where a stream begins that first sends the last `count` messages which a client wants. Phases that
 * can sleep.
 */
export function before_last(count: number, filter: Filter): Cursor {
  const pause = new_listing_pause();
  const feed = feed_from(oldest());
  const before: Cursor[] = [];
  let { event, revision } = feed;
  let item = next_item(feed);
  while (item !== undefined) {
    if (passes(filter, item)) before.push({ event, revision });
    pause();
    ({ event, revision } = feed);
    item = next_item(feed);
  }
  return count === 0 || before.length === 0 ? feed : before[math.max(0, before.length - count)];
}

/** Sends a text. Returns false when the client has disconnected, or has not read for `send_timeout`. */
function send(text: string): boolean {
  return ngx.print(text)[0] !== undefined && ngx.flush(true)[0] !== undefined;
}

/**
 * Sends messages until the client has disconnected, has lost its rights, or the worker exits. Phase:
 * content_by_lua.
 */
export function send_messages(
  stream: Stream,
  { cursor, lost }: Beginning,
  filter: Filter,
  is_allowed: (this: void) => boolean,
): void {
  const pause = new_listing_pause();
  const feed = feed_from(cursor);
  let is_connected = send(format_greeting(cursor) + (lost === undefined ? "" : format_message(lost, cursor)));
  let beat = clock.now() + HEARTBEAT_SECONDS;
  while (is_connected && is_allowed() && !ngx.worker.exiting()) {
    const now = clock.now();
    const messages = next_messages(feed, filter, pause);
    if (messages !== "" || now >= beat) {
      is_connected = send(messages === "" ? format_heartbeat(feed) : messages);
      beat = now + HEARTBEAT_SECONDS;
    } else {
      wait_for_news(stream, feed.awaited > feed.event ? LOOK_SECONDS : beat - now);
    }
  }
}
