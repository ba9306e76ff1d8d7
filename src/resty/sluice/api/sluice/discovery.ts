import { source_of } from "../../config/discovery";
import * as clock from "../../lib/clock";
import { iso8601 } from "../../lib/iso8601";
import { list, shape, shaped } from "../../lib/json";
import { read, upstream_not_found } from "../../store/read";
import { feed_report, PENDING, SKIPPED_ENTRY, source_report, type SkippedEntry } from "../../store/reports";
import { ok, type Answered } from "../answer";
import type { ApiRequest } from "../request";
import type { Route } from "../route";

/** `/sluice/1/upstreams/<name>/discovery`: how the registry is that an upstream follows. */

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
]);

function skipped_objects(entries: readonly SkippedEntry[]): object[] {
  const objects: object[] = [];
  for (const entry of entries) objects.push(shaped(entry, SKIPPED_ENTRY));
  return list(objects);
}

function get(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const document = read(name);
  if (document === undefined) return $multi(undefined, upstream_not_found(name));
  const source = source_of(document.discovery);
  if (source === undefined) {
    const text = `upstream "${name}" has no registry in "discovery"`;
    return $multi(undefined, { status: 404, code: "DiscoveryNotFound", text });
  }
  const said = source_report(name);
  const feed = said === undefined ? undefined : feed_report(said.feed);
  const error = feed?.error ?? said?.error;
  const pending = said?.pending;
  if (pending !== undefined) list(pending.servers);
  const quiet = feed?.last_success === undefined ? "starting" : "ok";
  const object = {
    source,
    state: error === undefined ? quiet : "failing",
    last_success:
      feed?.last_success === undefined ? undefined : iso8601(clock.wall_time_of(feed.last_success)),
    error,
    revision: said?.revision,
    servers: said?.servers ?? 0,
    skipped: skipped_objects(said?.skipped ?? []),
    skipped_count: said?.skipped_count ?? 0,
    pending: pending === undefined ? undefined : shaped(pending, PENDING),
  };
  return ok(shaped(object, DISCOVERY), document);
}

export const routes: Route[] = [{ path: "upstreams/{name}/discovery", GET: get }];
