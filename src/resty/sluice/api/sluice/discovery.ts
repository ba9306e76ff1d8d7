import { source_of } from "../../config/discovery";
import * as clock from "../../lib/clock";
import { iso8601 } from "../../lib/iso8601";
import { list, shape, shaped } from "../../lib/json";
import { expires, is_expired, registered_nodes, type NodeRecord } from "../../store/document/nodes";
import { upstream_not_found } from "../../store/document/problems";
import { read } from "../../store/document/read";
import { feed_reports, source_reports, type SkippedEntry } from "../../store/source_status";
import { ok, type Answered } from "../answer";
import type { ApiRequest } from "../request";
import type { Route } from "../route";

/** `/sluice/1/upstreams/<name>/discovery`: the source of an upstream's servers, and its state. */

const DISCOVERY = shape([
  "source",
  "state",
  "last_success",
  "error",
  "revision",
  "servers",
  "skipped",
  "skipped_count",
  "pending",
  "expired",
]);
const SKIPPED_ENTRY = shape(["entry", "reason"]);
const PENDING = shape(["reason", "count", "confirmations", "servers"]);
const EXPIRED = shape(["node", "server", "expires"]);

function skipped_objects(entries: readonly SkippedEntry[]): object[] {
  const objects: object[] = [];
  for (const entry of entries) objects.push(shaped(entry, SKIPPED_ENTRY));
  return list(objects);
}

/** Returns the expired servers that the guard keeps; undefined: no server has registered itself. */
function expired_objects(nodes: readonly NodeRecord[]): object[] | undefined {
  if (nodes.length === 0) return undefined;
  const objects: object[] = [];
  for (const record of nodes) {
    const { node, server } = record;
    const time = iso8601(clock.wall_time_of(expires(record)));
    if (is_expired(record)) objects.push(shaped({ node: node.name, server, expires: time }, EXPIRED));
  }
  return list(objects);
}

function get(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const document = read(name);
  if (document === undefined) return $multi(undefined, upstream_not_found(name));
  const source = source_of(document.discovery);
  const nodes = registered_nodes(document);
  if (source === undefined && nodes.length === 0) {
    const text = `upstream "${name}" has no registry in "discovery", and no server has registered itself`;
    return $multi(undefined, { status: 404, code: "DiscoveryNotFound", text });
  }
  const said = source === undefined ? undefined : source_reports.get(name);
  const feed = said === undefined ? undefined : feed_reports.get(said.feed);
  const error = feed?.error ?? said?.error;
  const pending = said?.pending;
  if (pending !== undefined) list(pending.servers);
  const is_starting = source !== undefined && feed?.last_success === undefined;
  const quiet = is_starting ? "starting" : "ok";
  const object = {
    source: source ?? "register",
    state: error === undefined ? quiet : "failing",
    last_success:
      feed?.last_success === undefined ? undefined : iso8601(clock.wall_time_of(feed.last_success)),
    error,
    revision: said?.revision,
    servers: source === undefined ? nodes.length : (said?.servers ?? 0),
    skipped: skipped_objects(said?.skipped ?? []),
    skipped_count: said?.skipped_count ?? 0,
    pending: pending === undefined ? undefined : shaped(pending, PENDING),
    expired: expired_objects(nodes),
  };
  return ok(shaped(object, DISCOVERY), document);
}

export const routes: Route[] = [{ path: "upstreams/{name}/discovery", GET: get }];
