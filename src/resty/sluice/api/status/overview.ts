import { invalid_value } from "../../config/problem";
import type { Read } from "../../config/reader";
import * as clock from "../../lib/clock";
import { iso8601 } from "../../lib/iso8601";
import { encode, list, shape, shaped } from "../../lib/json";
import { set_of } from "../../lib/tables";
import { VERSION } from "../../lib/version";
import { last_slot, revision } from "../../store/memory/region";
import { BOUNDS } from "../../store/memory/times";
import type { Answered, NextPiece } from "../answer";
import { covers, covers_all, type Client } from "../client/client";
import { may_write, write_needs_token } from "../client/identify";
import { argument, type ApiRequest } from "../request";
import type { Route } from "../route";
import { format_cursor, newest } from "../stream/cursor";
import { cluster_object, gateway_problems } from "./gateway";
import { known_upstreams } from "./known";
import { new_meter, type Meter } from "./meter";
import type { KnownUpstream } from "./model";
import { may_lack } from "./shown";
import { look_at, restless_at } from "./summary";

/** `/sluice/1/status`: the state of the gateway and of all upstreams, for a page that asks once a second. */

const HEAD = shape([
  "version",
  "revision",
  "time",
  "now",
  "event",
  "role",
  "may_write",
  "write_needs_token",
  "time_bounds",
  "workers",
  "cluster",
  "problems",
  "upstream_count",
]);
/** Approximate size of a piece. */
const PIECE_BYTES = 32768;

/** What a request asks for. */
interface Wanted {
  /** The time of the client's last answer; undefined: it has none. */
  since: clock.Moment | undefined;
  /** The names of the wanted upstreams; undefined: all. */
  names: LuaSet<string> | undefined;
}

function read_wanted(now: clock.Moment): Read<Wanted> {
  const given = argument("since");
  const since = given === undefined ? undefined : tonumber(given);
  if (given !== undefined && since === undefined)
    return $multi(undefined, invalid_value("since", 'must be "now" of an earlier answer'));
  const names: string[] = [];
  const narrowed = argument("upstream");
  for (const [name] of string.gmatch(narrowed ?? "", "[^,]+")) names.push(name);
  // Later than now: the machine was rebooted meanwhile, and its clock has begun again.
  const base = since !== undefined && since > now ? undefined : since;
  return $multi({ since: base, names: narrowed === undefined ? undefined : set_of(names) }, undefined);
}

function is_wanted(upstream: KnownUpstream, { since, names }: Wanted): boolean {
  if (names !== undefined && !names.has(upstream.name)) return false;
  return since === undefined || may_lack(upstream.shown, restless_at(upstream), since);
}

/** Returns the upstreams that a client sees. */
function visible(
  upstreams: readonly KnownUpstream[],
  client: Client,
  pause: (this: void) => void,
): readonly KnownUpstream[] {
  if (covers_all(client)) return upstreams;
  const seen: KnownUpstream[] = [];
  for (const upstream of upstreams) {
    if (covers(client, upstream.name)) seen.push(upstream);
    pause();
  }
  return seen;
}

/** Returns the members of the answer except `interval` and `upstreams`, without the closing brace. */
function head_text({ options, client }: ApiRequest, now: clock.Moment, event: string, count: number): string {
  const head = {
    version: VERSION,
    revision: revision(),
    time: iso8601(clock.wall_time_of(now)),
    now,
    event,
    role: client.role,
    may_write: may_write(options, client),
    write_needs_token: write_needs_token(options),
    time_bounds: list(BOUNDS),
    workers: ngx.worker.count(),
    cluster: cluster_object(),
    problems: gateway_problems(),
    upstream_count: count,
  };
  return string.sub(encode(shaped(head, HEAD)), 1, -2);
}

/** Returns the summaries of upstreams as text in pieces, with `,` between them. */
function summary_pieces(
  upstreams: readonly KnownUpstream[],
  wanted: Wanted,
  now: clock.Moment,
  pause: (this: void) => void,
): (this: void) => string | undefined {
  const slots = last_slot();
  let index = 0;
  let separator = "";
  return () => {
    if (index >= upstreams.length) return undefined;
    const parts: string[] = [];
    let bytes = 0;
    while (index < upstreams.length && bytes < PIECE_BYTES) {
      const upstream = upstreams[index];
      const is_named = wanted.names === undefined || wanted.names.has(upstream.name);
      if (is_named) look_at(upstream, slots, now);
      if (is_named && is_wanted(upstream, wanted)) {
        parts.push(`${separator}${upstream.shown.text}}`);
        separator = ",";
        bytes += upstream.shown.text.length;
      }
      pause();
      index += 1;
    }
    return table.concat(parts);
  };
}

function pieces(request: ApiRequest, wanted: Wanted, now: clock.Moment, meter: Meter): NextPiece {
  let next_summaries: ((this: void) => string | undefined) | undefined;
  let is_done = false;
  return () => {
    if (is_done) return undefined;
    meter.start();
    let piece: string | undefined;
    if (next_summaries === undefined) {
      // First, so that an event that is not in the answer comes after the cursor.
      const event = format_cursor(newest());
      const upstreams = visible(known_upstreams(meter.pause), request.client, meter.pause);
      next_summaries = summary_pieces(upstreams, wanted, now, meter.pause);
      piece = `${head_text(request, now, event, upstreams.length)},"upstreams":[`;
    } else {
      piece = next_summaries();
    }
    meter.stop();
    if (piece !== undefined) return piece;
    is_done = true;
    return `],"interval":${encode(meter.interval())}}`;
  };
}

function get(this: void, request: ApiRequest): Answered {
  const meter = new_meter();
  const now = clock.now();
  const [wanted, bad] = read_wanted(now);
  meter.stop();
  if (wanted === undefined) return $multi(undefined, bad);
  return $multi({ status: 200, next_piece: pieces(request, wanted, now, meter), is_utf8: true }, undefined);
}

export const routes: Route[] = [{ path: "status", scope: "filtered", GET: get }];
