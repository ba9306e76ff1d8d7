import type { Problem } from "../config/problem";
import { list } from "../lib/json";
import { ok, type Answered } from "./answer";
import * as changes from "./changes/changes";
import * as dashboard from "./dashboard";
import * as history from "./history/history";
import * as rollback from "./history/rollback";
import * as metrics from "./metrics/metrics";
import * as nginx from "./plus/nginx";
import * as plus_servers from "./plus/servers";
import * as plus_stub_status from "./plus/stub_status";
import * as plus_upstreams from "./plus/upstreams";
import * as plus_workers from "./plus/workers";
import type { Route } from "./route";
import * as cluster from "./sluice/cluster";
import * as discovery from "./sluice/discovery";
import * as drain from "./sluice/drain";
import * as event_stream from "./sluice/event_stream";
import * as events from "./sluice/events";
import * as explain from "./sluice/explain";
import * as reports from "./sluice/load_reports";
import * as nodes from "./sluice/nodes";
import * as openapi from "./sluice/openapi";
import * as template from "./sluice/template";
import * as tokens from "./sluice/tokens";
import * as upstreams from "./sluice/upstreams";
import * as overview from "./status/overview";
import * as upstream_status from "./status/upstream";

/** The paths of the API, and the resources that answer them. */

const OLDEST_VERSION = 1;
const NEWEST_VERSION = 9;

/** A route, and its path's segments. */
interface Pattern {
  route: Route;
  segments: string[];
}

/** Returns the non-empty segments of a path. */
function split(path: string): string[] {
  const segments: string[] = [];
  for (const [segment] of string.gmatch(path, "[^/]+")) segments.push(segment);
  return segments;
}

function patterns_of(resources: readonly (readonly Route[])[]): Pattern[] {
  const patterns: Pattern[] = [];
  for (const routes of resources) {
    for (const route of routes) patterns.push({ route, segments: split(route.path) });
  }
  return patterns;
}

const PLUS_PATTERNS = patterns_of([
  plus_servers.routes,
  plus_upstreams.routes,
  nginx.routes,
  plus_stub_status.routes,
  plus_workers.routes,
]);
/** The resources directly below the prefix. */
const OTHER_PATTERNS = patterns_of([dashboard.routes, metrics.routes]);
const SLUICE_PATTERNS = patterns_of([
  upstreams.routes,
  changes.routes,
  history.routes,
  rollback.routes,
  discovery.routes,
  template.routes,
  drain.routes,
  events.routes,
  event_stream.routes,
  explain.routes,
  nodes.routes,
  reports.routes,
  cluster.routes,
  openapi.routes,
  tokens.routes,
  overview.routes,
  upstream_status.routes,
]);

/** Matches a path's segments from `start` on. Returns the values of the variable parts. */
function match(
  pattern: readonly string[],
  segments: readonly string[],
  start: number,
): Record<string, string> | undefined {
  if (pattern.length !== segments.length - start) return undefined;
  const parameters: Record<string, string> = {};
  for (const index of $range(0, pattern.length - 1)) {
    const segment = segments[start + index];
    const [name] = string.match(pattern[index], "^{(.*)}$");
    if (name !== undefined) parameters[name] = segment;
    else if (pattern[index] !== segment) return undefined;
  }
  return parameters;
}

function versions(): Answered {
  const numbers: number[] = [];
  for (const version of $range(OLDEST_VERSION, NEWEST_VERSION)) numbers.push(version);
  return ok(list(numbers));
}

/** The prefix itself, which lists the versions of the API. */
export const ROOT: Route = { path: "", scope: "neutral", GET: versions };

/** Returns the problem of a path that does not exist. */
export function path_not_found(text: string): Problem {
  return { status: 404, code: "PathNotFound", text };
}

/** Tells whether a path begins with a version of the NGINX Plus API that is supported. */
function is_plus_version(segment: string): boolean {
  const version = tonumber(segment);
  const is_integer = version !== undefined && segment === tostring(version);
  return is_integer && version >= OLDEST_VERSION && version <= NEWEST_VERSION;
}

/** Returns the patterns that a path may match, and the number of segments before the part that they match. */
function patterns_for(segments: readonly string[]): LuaMultiReturn<[readonly Pattern[], number]> {
  if (segments[0] === "sluice" && segments[1] === "1") return $multi(SLUICE_PATTERNS, 2);
  if (is_plus_version(segments[0])) return $multi(PLUS_PATTERNS, 1);
  return $multi(OTHER_PATTERNS, 0);
}

/** Returns the route of a path and the values of its variable parts, or undefined and the problem. */
export function find_route(
  segments: readonly string[],
): LuaMultiReturn<[Route | undefined, Record<string, string>, Problem | undefined]> {
  if (segments.length === 0) return $multi(ROOT, {}, undefined);
  const [patterns, start] = patterns_for(segments);
  for (const pattern of patterns) {
    const parameters = match(pattern.segments, segments, start);
    if (parameters !== undefined) return $multi(pattern.route, parameters, undefined);
  }
  if (start === 0)
    return $multi(undefined, {}, { status: 404, code: "UnknownVersion", text: "version not supported" });
  return $multi(undefined, {}, path_not_found("path not found"));
}

/** Returns the decoded segments of the request's path below the prefix; undefined: the path is outside. */
export function path_below(prefix: string): string[] | undefined {
  const [path] = string.match(ngx.var.request_uri ?? "", "^[^?#]*");
  const wanted = split(prefix);
  const rest: string[] = [];
  for (const [index, segment] of ipairs(split(path ?? ""))) {
    // unescape_uri decodes a plus to a space, as in a form. In a path a plus is literal.
    const [plain] = string.gsub(segment, "%+", "%%2B");
    const decoded = ngx.unescape_uri(plain);
    if (index > wanted.length) rest.push(decoded);
    else if (decoded !== wanted[index - 1]) return undefined;
  }
  return rest;
}
