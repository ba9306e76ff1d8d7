import * as semaphore from "ngx.semaphore";

import { SHORTEST_SLEEP } from "../../lib/pause";
import { last_event } from "../../store/memory/dict";
import { revision } from "../../store/memory/region";
import { add_stream, remove_stream } from "../../store/memory/slots";

/**
 * The clients of this worker that follow the event stream. While there are any, one timer looks for new
 * events and changes, and wakes them. When the worker exits, it ends them, so that they delay nothing.
 */

/** A client's stream. */
export interface Stream {
  /** Posted when there may be something to send, and when the stream is to end. */
  news: semaphore.Semaphore;
  /** True while its sender waits for news. */
  is_idle: boolean;
  /** Posted when the sender has ended, or is to be killed. */
  end: semaphore.Semaphore;
  has_ended: boolean;
  is_abandoned: boolean;
}

const POLL_SECONDS = 0.025;
/** The time that senders have to end by themselves when the worker exits, in rounds of the poll. */
const GRACE_ROUNDS = 12;
/** Upper bound on a wait, in case that the timer could not be started. */
const LONGEST_WAIT = 1;
/** The status at which nginx closes the connection at once. */
const CLOSE = 444;
/** The interval at which a stream looks whether it has ended, in seconds. It is woken before. */
const WATCH_SECONDS = 60;

const streams = new LuaSet<Stream>();
let is_polling = false;

function is_empty(): boolean {
  return next(streams)[0] === undefined;
}

function wake_all(): void {
  for (const stream of streams) {
    if (stream.is_idle) stream.news.post();
    stream.is_idle = false;
  }
}

/** Ends a stream, even if its sender waits for a client that does not read. */
function abandon(stream: Stream): void {
  stream.is_abandoned = true;
  stream.end.post();
}

function end_all(): void {
  wake_all();
  let rounds = GRACE_ROUNDS;
  while (!is_empty() && rounds > 0) {
    ngx.sleep(POLL_SECONDS);
    rounds -= 1;
  }
  for (const stream of streams) abandon(stream);
}

function poll(): void {
  // Differs from any number, so that the first round wakes those that began to wait before.
  let seen_event = -1;
  let seen_revision = -1;
  while (!is_empty() && !ngx.worker.exiting()) {
    const event = last_event();
    const made = revision();
    if (event !== seen_event || made !== seen_revision) wake_all();
    seen_event = event;
    seen_revision = made;
    ngx.sleep(POLL_SECONDS);
  }
  end_all();
}

function start_polling(): void {
  if (is_polling || ngx.worker.exiting()) return;
  const [timer, cause] = ngx.timer.at(0, () => {
    const [returned, failure] = pcall(poll);
    is_polling = false;
    if (!returned) ngx.log(ngx.ERR, `sluice: could not watch for events: ${tostring(failure)}`);
  });
  is_polling = timer !== undefined;
  if (!is_polling) ngx.log(ngx.WARN, `sluice: could not start a timer: ${cause ?? ""}`);
}

/** Waits until there may be news, or for some seconds. Phases that can sleep. */
export function wait_for_news(stream: Stream, seconds: number): void {
  start_polling();
  stream.is_idle = true;
  // A wait of less than a millisecond would return in the same turn of the event loop.
  stream.news.wait(math.max(SHORTEST_SLEEP, math.min(seconds, LONGEST_WAIT)));
  stream.is_idle = false;
}

/** Opens a stream, unless all workers together have `limit`; undefined: they have. Phase: content_by_lua. */
export function open_stream(limit: number): Stream | undefined {
  if (!add_stream(limit)) return undefined;
  const stream: Stream = {
    news: semaphore.new(0),
    is_idle: false,
    end: semaphore.new(0),
    has_ended: false,
    is_abandoned: false,
  };
  streams.add(stream);
  return stream;
}

/**
 * Runs the sender of a stream until it returns, or must be killed. It runs in a thread of its own, because it
 * may wait for its client for as long as `send_timeout`. Phase: content_by_lua.
 */
export function run_stream(stream: Stream, sender: (this: void) => void): void {
  ngx.ctx.sluice_stream = stream;
  start_polling();
  ngx.thread.spawn(() => {
    const [returned, failure] = pcall(sender);
    if (!returned) ngx.log(ngx.ERR, `sluice: could not send events: ${tostring(failure)}`);
    stream.has_ended = true;
    stream.end.post();
  });
  while (!stream.has_ended && !stream.is_abandoned) stream.end.wait(WATCH_SECONDS);
  streams.delete(stream);
  remove_stream();
  if (!stream.has_ended) ngx.exit(CLOSE);
}

/** Ends the stream of the current request, whose client has disconnected. Phase: on_abort. */
export function abandon_stream(this: void): void {
  const stream = ngx.ctx.sluice_stream as Stream | undefined;
  if (stream !== undefined) abandon(stream);
}
