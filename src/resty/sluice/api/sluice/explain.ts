import { next_by_key, next_in_turn } from "../../balancer/shares";
import { refuse, type Read } from "../../config/reader";
import type { SplitConfig } from "../../config/split";
import * as clock from "../../lib/clock";
import { crc32 } from "../../lib/crc32";
import { ip_bytes } from "../../lib/ip";
import { iso8601 } from "../../lib/iso8601";
import { list, record } from "../../lib/json";
import { foresee } from "../../live/choice";
import { address_key } from "../../live/view/key";
import type { LiveUpstream, Split } from "../../live/view/model";
import { look_at_upstream } from "../../live/view/view";
import type { Document } from "../../store/document/document";
import { parse_line, type ServerRecord } from "../../store/document/line";
import { expires, is_expired } from "../../store/document/nodes";
import { active_requests } from "../../store/memory/rows";
import { load_reports } from "../../store/source_status";
import { ok } from "../answer";
import { of_upstream } from "../existing";
import { limit_object, load_object, report_object, scaling_object, weight_object } from "../load_objects";
import { doubt_about, problem_objects } from "../problems";
import { argument } from "../request";
import type { Route } from "../route";
import { percent_of, recent_picks } from "../share";
import { member_objects, members_now, type MemberState } from "../split_members";
import { check_object, explained_state, outlier_object, since_of } from "../state_text";
import { zones_object } from "../zone_objects";

/** `/sluice/1/upstreams/<name>/explain`: the share of each server with its reasons, and the next server. */

const explained_record = record("method problems split zones servers autoscale next");
const server_record = record(`
  id server node zone backup state reason since expired expires weight report load limit check outlier
  picks picks_percent active active_percent
`);
const next_record = record("upstream id server reason");

/** Identifies this choice, which changes nothing, among those that requests make. */
const FORESEEN = -1;

/** A server's picks of the last minute, and its active requests. */
interface Share {
  server: ServerRecord;
  picks: number;
  active: number;
}

function shares_of(document: Document, now: number): LuaMultiReturn<[Share[], number, number]> {
  const shares: Share[] = [];
  let all_picks = 0;
  let all_active = 0;
  for (const line of document.lines) {
    const server = parse_line(line);
    const picks = recent_picks(server, document, now);
    const active = active_requests(server.row);
    all_picks += picks;
    all_active += active;
    shares.push({ server, picks, active });
  }
  return $multi(shares, all_picks, all_active);
}

function server_objects(name: string, document: Document, now: number): object[] {
  const loads = document.load === undefined ? undefined : load_reports.get(name);
  const [shares, all_picks, all_active] = shares_of(document, now);
  const objects: object[] = [];
  for (const { server, picks, active } of shares) {
    const [state, reason] = explained_state(server, active);
    const has_expired = is_expired(server);
    const object = {
      id: server.id,
      server: server.server,
      node: server.node?.name,
      zone: server.zone === "" ? undefined : server.zone,
      backup: server.backup,
      state,
      reason: state === "up" ? (doubt_about(document, server) ?? reason) : reason,
      since: since_of(server),
      expired: has_expired ? true : undefined,
      expires: has_expired ? iso8601(clock.wall_time_of(expires(server))) : undefined,
      weight: weight_object(document, server, loads, now),
      report: report_object(server.row),
      load: document.method === "least_load" ? load_object(document, server, active, now) : undefined,
      limit: limit_object(server, document),
      check: check_object(server.row),
      outlier: outlier_object(document, server),
      picks,
      picks_percent: percent_of(picks, all_picks),
      active,
      active_percent: percent_of(active, all_active),
    };
    objects.push(server_record(object));
  }
  return list(objects);
}

/** Reads the key that a keyed method hashes from the query. */
function read_key(method: string): Read<string> {
  const key = argument("key");
  if (key === undefined || method !== "ip_hash") return $multi(key, undefined);
  const address = ip_bytes(key);
  if (address === undefined) return refuse("key", "must be an IP address");
  return $multi(address_key(address), undefined);
}

/** Returns the server that this worker would choose next. */
function next_object(
  document: Document,
  upstream: LiveUpstream | undefined,
  key: string | undefined,
  now: number,
): object {
  if (document.method === "random" || document.method === "least_load")
    return next_record({ reason: "the server is chosen at random" });
  const server = upstream === undefined ? undefined : foresee(upstream, key, now);
  if (server === undefined) return next_record({ reason: "no server is available" });
  const is_keyed = document.method === "hash" || document.method === "ip_hash";
  const reason =
    is_keyed && key !== undefined && key !== "" ? "by its key" : "by the state of the method in this worker";
  return next_record({ id: server.id, server: server.server, reason });
}

/** Returns the member of a split that a request with this key would get next in this worker. */
function next_member_object(
  { members }: Split,
  states: readonly MemberState[],
  key: string | undefined,
): object {
  for (const index of $range(0, members.length - 1))
    members[index].passed_over = states[index]?.available === true ? 0 : FORESEEN;
  const is_keyed = key !== undefined && key !== "";
  const member = is_keyed ? next_by_key(members, crc32(key), FORESEEN) : next_in_turn(members, FORESEEN);
  if (member === undefined) return next_record({ reason: "no member has an available server" });
  const reason = is_keyed ? "by its key, unless it matches" : "by the turns of the members in this worker";
  return next_record({ upstream: member.name, reason });
}

/** Explains a split. */
function explain_split(name: string, document: Document, split: SplitConfig, now: clock.Moment): object {
  const states = members_now(name, split, now);
  const live = look_at_upstream(name, now)?.split;
  const key = split.by === undefined ? undefined : argument("key");
  return explained_record({
    method: document.method,
    problems: problem_objects(name, document),
    split: member_objects(states),
    servers: list([]),
    next:
      live === undefined
        ? next_record({ reason: "no member has an available server" })
        : next_member_object(live, states, key),
  });
}

const get = of_upstream((document, { parameters }) => {
  const { name } = parameters;
  const [key, bad_key] = read_key(document.method);
  if (bad_key !== undefined) return $multi(undefined, bad_key);
  const now = clock.now();
  if (document.split !== undefined) return ok(explain_split(name, document, document.split, now), document);
  // Comes first because it drops reports that have expired.
  const upstream = look_at_upstream(name, now);
  const explained = {
    method: document.method,
    problems: problem_objects(name, document),
    zones: zones_object(document, upstream),
    servers: server_objects(name, document, now),
    autoscale: scaling_object(document),
    next: next_object(document, upstream, key, now),
  };
  return ok(explained_record(explained), document);
});

export const routes: Route[] = [{ path: "upstreams/{name}/explain", GET: get }];
