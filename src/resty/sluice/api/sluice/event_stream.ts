import { refuse, type Read } from "../../config/reader";
import { discard_body, type Answered } from "../answer";
import { is_still_valid } from "../client/identify";
import { argument, type ApiRequest } from "../request";
import type { Route } from "../route";
import { newest, parse_cursor } from "../stream/cursor";
import { lost_item, oldest } from "../stream/feed";
import { read_filter, type Filter } from "../stream/filter";
import { before_last, send_messages, type Beginning } from "../stream/sender";
import { open_stream, run_stream } from "../stream/streams";

/** `/sluice/1/events/stream`: the events and changes as they happen, as server-sent events. */

const MOST_LAST = 2000;

const HEADERS: Record<string, string> = {
  "Cache-Control": "no-store",
  // Keeps an nginx in front of this gateway from collecting the stream in a buffer.
  "X-Accel-Buffering": "no",
};

/** Returns the beginning of a stream that continues after the position of an earlier one. */
function resume(field: string, text: string): Read<Beginning> {
  const [cursor, is_known] = parse_cursor(text);
  if (cursor === undefined) return refuse(field, "must be the id of a message of this stream");
  if (is_known) return $multi({ cursor, lost: undefined }, undefined);
  const lost = lost_item("nginx has been restarted since, and events of earlier runs are not kept");
  return $multi({ cursor: oldest(), lost }, undefined);
}

/** Returns the beginning of a stream that first sends the last messages. */
function begin_with_last(text: string, filter: Filter): Read<Beginning> {
  const count = string.find(text, "^%d+$")[0] === undefined ? undefined : tonumber(text);
  if (count === undefined || count > MOST_LAST)
    return refuse("last", `must be a whole number from 0 to ${MOST_LAST}`);
  return $multi({ cursor: before_last(count, filter), lost: undefined }, undefined);
}

/** Reads where the stream begins. A browser that connects again sends the header with the same query. */
function read_beginning(filter: Filter): Read<Beginning> {
  const header = ngx.var.http_last_event_id;
  if (header !== undefined && header !== "") return resume("Last-Event-ID", header);
  const since = argument("since");
  if (since !== undefined) return resume("since", since);
  const last = argument("last");
  if (last !== undefined) return begin_with_last(last, filter);
  return $multi({ cursor: newest(), lost: undefined }, undefined);
}

function too_many(limit: number): Answered {
  const text =
    limit === 0
      ? "the event stream is turned off: api.streams is 0"
      : `${limit} clients follow the event stream already: see api.streams`;
  return $multi(undefined, { status: 503, code: "TooManyStreams", text });
}

function get(this: void, { options, client }: ApiRequest): Answered {
  const [filter, bad_filter] = read_filter(client);
  if (filter === undefined) return $multi(undefined, bad_filter);
  const [beginning, bad_beginning] = read_beginning(filter);
  if (beginning === undefined) return $multi(undefined, bad_beginning);
  const answer = { status: 200, content_type: "text/event-stream", headers: HEADERS };
  if (ngx.req.get_method() === "HEAD") return $multi(answer, undefined);
  // Ends a request with a malformed body before it is counted.
  discard_body();
  const stream = open_stream(options.streams);
  if (stream === undefined) return too_many(options.streams);
  const run = () => {
    run_stream(stream, () => {
      send_messages(stream, beginning, filter, () => is_still_valid(client));
    });
  };
  return $multi({ ...answer, run }, undefined);
}

export const routes: Route[] = [{ path: "events/stream", scope: "filtered", GET: get }];
