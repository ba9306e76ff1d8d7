import type { ApiOptions } from "../config/options";
import type { Problem } from "../config/problem";
import { list } from "../lib/json";
import { count_refusal } from "../store/memory/refusals";
import { check_access, check_source } from "./access";
import { ok, send, send_problem, type Answered } from "./answer";
import * as changes from "./changes/changes";
import { preflight_headers, share_answer } from "./cross_origin";
import * as dashboard from "./dashboard";
import * as metrics from "./metrics/metrics";
import * as nginx from "./plus/nginx";
import * as plus_servers from "./plus/servers";
import * as plus_stub_status from "./plus/stub_status";
import * as plus_upstreams from "./plus/upstreams";
import * as plus_workers from "./plus/workers";
import { take_conditions } from "./precondition";
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
import * as upstreams from "./sluice/upstreams";
import * as overview from "./status/overview";
import * as upstream_status from "./status/upstream";
import { abandon_stream } from "./stream/streams";

/** Routes a request to the resource that answers it. */

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
type MethodName = (typeof METHODS)[number];

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
  discovery.routes,
  drain.routes,
  events.routes,
  event_stream.routes,
  explain.routes,
  nodes.routes,
  reports.routes,
  cluster.routes,
  openapi.routes,
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

const ROOT: Route = { path: "", GET: versions };

/**
 * The schemes of a token, in one field because lua-nginx-module keeps only one. Basic comes first because
 * Chrome reads only the first scheme.
 */
const CHALLENGES = 'Basic realm="Sluice", Bearer';
/** For the dashboard, which asks for the token itself. At "Basic" a browser would ask for a password. */
const CHALLENGE_OF_SCRIPT = "Bearer";

function challenge_headers({ status }: Problem): Record<string, string> {
  if (status !== 401) return {};
  const is_script = ngx.var.http_x_requested_with !== undefined;
  return { "WWW-Authenticate": is_script ? CHALLENGE_OF_SCRIPT : CHALLENGES };
}

function not_found(code: string, text: string): Problem {
  return { status: 404, code, text };
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
function find(
  segments: readonly string[],
): LuaMultiReturn<[Route | undefined, Record<string, string>, Problem | undefined]> {
  if (segments.length === 0) return $multi(ROOT, {}, undefined);
  const [patterns, start] = patterns_for(segments);
  for (const pattern of patterns) {
    const parameters = match(pattern.segments, segments, start);
    if (parameters !== undefined) return $multi(pattern.route, parameters, undefined);
  }
  if (start === 0) return $multi(undefined, {}, not_found("UnknownVersion", "version not supported"));
  return $multi(undefined, {}, not_found("PathNotFound", "path not found"));
}

/** Returns the decoded segments of the request's path below the prefix; undefined: the path is outside. */
function path_below(prefix: string): string[] | undefined {
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

function allowed_methods(route: Route, may_write: boolean): string {
  const names: string[] = [];
  for (const name of METHODS) {
    if (route[name] !== undefined && (may_write || name === "GET")) names.push(name);
  }
  return table.concat(names, ", ");
}

/** Sends a problem, and counts it if the request would have changed something. */
function refuse(problem: Problem, is_write: boolean, headers?: Record<string, string>): void {
  if (is_write) count_refusal(problem.code);
  send_problem(problem, headers);
}

/** Answers a request to the API. Phase: content_by_lua. */
export function answer_request(options: ApiOptions): void {
  // With lua_check_client_abort on and without this function, nginx would end the handler in the middle of a
  // write when the client disconnects.
  ngx.on_abort(abandon_stream);
  const sent = ngx.req.get_method();
  const method = (sent === "HEAD" ? "GET" : sent) as MethodName;
  const is_write = method !== "GET";
  // Reads ignore conditions, because states and counters change without a change of the ETag.
  const conditions = take_conditions();
  share_answer(options);
  const segments = path_below(options.prefix);
  const [route, parameters, missing] = find(segments ?? []);
  const is_page = route?.is_page === true && !is_write;
  const foreign = check_source(options, is_page);
  const preflight = preflight_headers(options);
  if (foreign === undefined && preflight !== undefined) {
    send({ status: 204, headers: preflight });
    return;
  }
  const refused = foreign ?? (is_page ? undefined : check_access(options, is_write));
  if (refused !== undefined) {
    refuse(refused, is_write, challenge_headers(refused));
    return;
  }
  if (segments === undefined) {
    const text = `the API is at ${options.prefix}: set api.prefix to the location's path`;
    refuse(not_found("PathNotFound", text), is_write);
    return;
  }
  if (route === undefined) {
    refuse(missing as Problem, is_write);
    return;
  }
  const handler = route[method];
  if (handler === undefined || (is_write && !options.write)) {
    const disabled = { status: 405, code: "MethodDisabled", text: "method disabled" };
    refuse(disabled, is_write, { Allow: allowed_methods(route, options.write) });
    return;
  }
  // No resource reads the body of a DELETE, but a malformed body must be refused before anything is deleted.
  if (method === "DELETE") ngx.req.read_body();
  const [answer, problem] = handler({ method, options, parameters, conditions });
  if (answer === undefined) refuse(problem as Problem, is_write);
  else send(answer);
}
