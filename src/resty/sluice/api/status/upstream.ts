import * as clock from "../../lib/clock";
import { iso8601 } from "../../lib/iso8601";
import { encode, list, shape, shaped } from "../../lib/json";
import { escape_invalid_utf8 } from "../../lib/utf8";
import { parse_head } from "../../store/document/document";
import { upstream_not_found } from "../../store/document/problems";
import { get_text } from "../../store/memory/dict";
import { last_slot } from "../../store/memory/region";
import { BOUNDS } from "../../store/memory/times";
import { etag, type Answered } from "../answer";
import { argument, type ApiRequest } from "../request";
import type { Route } from "../route";
import { know } from "./known";
import { new_meter } from "./meter";
import { servers_text } from "./servers";
import { new_shown } from "./shown";
import { look_at } from "./summary";

/** `/sluice/1/upstreams/<name>/status`: the state of an upstream and of each of its servers. */

const REST = shape(["time", "now", "interval", "time_bounds"]);

/** Reads the query argument `servers`: the ids of the wanted servers; undefined: all. */
function wanted_ids(): LuaSet<number> | undefined {
  const given = argument("servers");
  if (given === undefined) return undefined;
  const ids = new LuaSet<number>();
  for (const [digits] of string.gmatch(given, "%d+")) ids.add(tonumber(digits) as number);
  return ids;
}

function get(this: void, { parameters }: ApiRequest): Answered {
  const { name } = parameters;
  const text = get_text(name);
  if (text === undefined) return $multi(undefined, upstream_not_found(name));
  const meter = new_meter();
  const now = clock.now();
  const [head, start] = parse_head(text);
  const upstream = know(name, text, new_shown(), "size");
  look_at(upstream, last_slot(), now);
  const summary = upstream.shown.text;
  const servers = escape_invalid_utf8(servers_text(name, head, text, start, wanted_ids(), now, meter.pause));
  meter.stop();
  const rest = {
    time: iso8601(clock.wall_time_of(now)),
    now,
    interval: meter.interval(),
    time_bounds: list(BOUNDS),
  };
  const rest_text = string.sub(encode(shaped(rest, REST)), 2, -2);
  const body = `${summary},${rest_text},"servers":${servers}}`;
  return $multi({ status: 200, text: body, headers: { ETag: etag(head) } }, undefined);
}

export const routes: Route[] = [{ path: "upstreams/{name}/status", GET: get }];
