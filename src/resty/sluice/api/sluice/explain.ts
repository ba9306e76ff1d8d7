import { invalid_value, type Problem } from "../../config/problem";
import { picks_of_minute } from "../../control/picks";
import * as clock from "../../lib/clock";
import { ip_bytes } from "../../lib/ip";
import { iso8601 } from "../../lib/iso8601";
import { list, shape, shaped } from "../../lib/json";
import { foresee } from "../../live/choice";
import { address_key } from "../../live/view/key";
import type { LiveUpstream } from "../../live/view/model";
import { look_at_upstream } from "../../live/view/view";
import type { Document } from "../../store/document/document";
import { parse_line, type ServerRecord } from "../../store/document/line";
import { expires, is_expired } from "../../store/document/nodes";
import { upstream_not_found } from "../../store/document/problems";
import { read } from "../../store/document/read";
import { active_requests } from "../../store/memory/rows";
import { load_reports } from "../../store/source_status";
import { ok, type Answered } from "../answer";
import { report_object, scaling_object, weight_object } from "../load_objects";
import { doubt_about, problem_objects } from "../problems";
import { argument, type ApiRequest } from "../request";
import type { Route } from "../route";
import { check_object, explained_state } from "../state_text";

/** `/sluice/1/upstreams/<name>/explain`: the share of each server with its reasons, and the next server. */

const EXPLAINED = shape(["method", "problems", "servers", "autoscale", "next"]);
const SERVER = shape([
  "id",
  "server",
  "node",
  "backup",
  "state",
  "reason",
  "expired",
  "expires",
  "weight",
  "report",
  "check",
  "picks",
  "picks_percent",
  "active",
  "active_percent",
]);
const NEXT = shape(["id", "server", "reason"]);

function percent_of(part: number, whole: number): number {
  return whole === 0 ? 0 : math.floor((part * 1000) / whole + 0.5) / 10;
}

/** A server's picks of the last minute, and its active requests. */
interface Share {
  record: ServerRecord;
  picks: number;
  active: number;
}

function shares_of(document: Document, now: number): LuaMultiReturn<[Share[], number, number]> {
  const shares: Share[] = [];
  let all_picks = 0;
  let all_active = 0;
  for (const line of document.lines) {
    const record = parse_line(line);
    const picks = math.floor(picks_of_minute(record.row, record.incarnation, document.row, now) + 0.5);
    const active = active_requests(record.row);
    all_picks += picks;
    all_active += active;
    shares.push({ record, picks, active });
  }
  return $multi(shares, all_picks, all_active);
}

function server_objects(name: string, document: Document, now: number): object[] {
  const loads = document.load === undefined ? undefined : load_reports.get(name);
  const [shares, all_picks, all_active] = shares_of(document, now);
  const objects: object[] = [];
  for (const { record, picks, active } of shares) {
    const [state, reason] = explained_state(record, active);
    const doubt = doubt_about(document, record);
    const has_expired = is_expired(record);
    objects.push(
      shaped(
        {
          id: record.id,
          server: record.server,
          node: record.node?.name,
          backup: record.backup,
          state,
          reason: state === "up" ? (doubt ?? reason) : reason,
          expired: has_expired ? true : undefined,
          expires: has_expired ? iso8601(clock.wall_time_of(expires(record))) : undefined,
          weight: weight_object(document, record, loads, now),
          report: report_object(record.row),
          check: check_object(record.row),
          picks,
          picks_percent: percent_of(picks, all_picks),
          active,
          active_percent: percent_of(active, all_active),
        },
        SERVER,
      ),
    );
  }
  return list(objects);
}

/** Reads the key that a keyed method hashes from the query. */
function read_key(method: string): LuaMultiReturn<[string | undefined, Problem | undefined]> {
  const key = argument("key");
  if (key === undefined || method !== "ip_hash") return $multi(key, undefined);
  const address = ip_bytes(key);
  if (address === undefined) return $multi(undefined, invalid_value("key", "must be an IP address"));
  return $multi(address_key(address), undefined);
}

/** Returns the server that this worker would choose next. */
function next_object(
  document: Document,
  upstream: LiveUpstream | undefined,
  key: string | undefined,
  now: number,
): object {
  if (document.method === "random") return shaped({ reason: "the server is chosen at random" }, NEXT);
  const server = upstream === undefined ? undefined : foresee(upstream, key, now);
  if (server === undefined) return shaped({ reason: "no server is available" }, NEXT);
  const is_keyed = document.method === "hash" || document.method === "ip_hash";
  const reason =
    is_keyed && key !== undefined && key !== "" ? "by its key" : "by the state of the method in this worker";
  return shaped({ id: server.id, server: server.server, reason }, NEXT);
}

function get(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const document = read(name);
  if (document === undefined) return $multi(undefined, upstream_not_found(name));
  const [key, bad_key] = read_key(document.method);
  if (bad_key !== undefined) return $multi(undefined, bad_key);
  const now = clock.now();
  // Comes first because it drops reports that have expired.
  const upstream = look_at_upstream(name, now);
  const explained = {
    method: document.method,
    problems: problem_objects(name, document),
    servers: server_objects(name, document, now),
    autoscale: scaling_object(document),
    next: next_object(document, upstream, key, now),
  };
  return ok(shaped(explained, EXPLAINED), document);
}

export const routes: Route[] = [{ path: "upstreams/{name}/explain", GET: get }];
