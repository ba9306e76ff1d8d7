import type { ApiOptions } from "../config/options";
import type { Problem } from "../config/problem";
import { list } from "../lib/json";
import { check_access, check_source } from "./access";
import { ok, send, send_problem, type Answered } from "./answer";
import { preflight_headers, share_answer } from "./cross_origin";
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
import * as events from "./sluice/events";
import * as explain from "./sluice/explain";
import * as reports from "./sluice/load_reports";
import * as nodes from "./sluice/nodes";
import * as openapi from "./sluice/openapi";
import * as upstreams from "./sluice/upstreams";

/** From a request's path to the resource that answers it. */

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
type MethodName = (typeof METHODS)[number];

const OLDEST_VERSION = 1;
const NEWEST_VERSION = 9;

const PLUS_ROUTES: readonly (readonly Route[])[] = [
  plus_servers.routes,
  plus_upstreams.routes,
  nginx.routes,
  plus_stub_status.routes,
  plus_workers.routes,
];
const SLUICE_ROUTES: readonly (readonly Route[])[] = [
  upstreams.routes,
  discovery.routes,
  drain.routes,
  events.routes,
  explain.routes,
  nodes.routes,
  reports.routes,
  cluster.routes,
  openapi.routes,
];

function split(path: string): string[] {
  const segments: string[] = [];
  for (const [segment] of string.gmatch(path, "[^/]+")) segments.push(segment);
  return segments;
}

/** Fits a path to a route's. Returns its variable parts, or undefined. */
function match(route: Route, segments: readonly string[]): Record<string, string> | undefined {
  const pattern = split(route.path);
  if (pattern.length !== segments.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const index of $range(0, pattern.length - 1)) {
    const [name] = string.match(pattern[index], "^{(.*)}$");
    if (name !== undefined) parameters[name] = segments[index];
    else if (pattern[index] !== segments[index]) return undefined;
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
 * The schemes in which a client can give a token. In one field, since lua-nginx-module keeps one field of this name. Basic
 * comes first: Chrome reads the first scheme of a field only, and Bearer is not one for which it asks the user.
 */
const CHALLENGES = 'Basic realm="Sluice", Bearer';

function not_found(code: string, text: string): Problem {
  return { status: 404, code, text };
}

function find(
  segments: string[],
): LuaMultiReturn<[Route | undefined, Record<string, string>, Problem | undefined]> {
  if (segments.length === 0) return $multi(ROOT, {}, undefined);
  const version = tonumber(segments[0]);
  let routes = PLUS_ROUTES;
  let skipped = 1;
  if (segments[0] === "sluice" && segments[1] === "1") {
    routes = SLUICE_ROUTES;
    skipped = 2;
  } else if (
    version === undefined ||
    segments[0] !== tostring(version) ||
    version < OLDEST_VERSION ||
    version > NEWEST_VERSION
  ) {
    return $multi(undefined, {}, not_found("UnknownVersion", "version not supported"));
  }
  const rest: string[] = [];
  for (const index of $range(skipped, segments.length - 1)) rest.push(segments[index]);
  for (const group of routes) {
    for (const route of group) {
      const parameters = match(route, rest);
      if (parameters !== undefined) return $multi(route, parameters, undefined);
    }
  }
  return $multi(undefined, {}, not_found("PathNotFound", "path not found"));
}

/** The path below the prefix, decoded part by part, so that a name may hold an encoded slash. Undefined: outside. */
function path_below(prefix: string): string[] | undefined {
  const [path] = string.match(ngx.var.request_uri ?? "", "^[^?#]*");
  const wanted = split(prefix);
  const rest: string[] = [];
  for (const [index, segment] of ipairs(split(path ?? ""))) {
    // In a path a plus is a plus; unescape_uri takes it for a form's space.
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

/** Answers a request to the API. Phase: content_by_lua. */
export function answer_request(options: ApiOptions): void {
  // A client that goes away must not end a write halfway: by default nginx would, with lua_check_client_abort on.
  ngx.on_abort(() => undefined);
  const sent = ngx.req.get_method();
  const method = (sent === "HEAD" ? "GET" : sent) as MethodName;
  const is_write = method !== "GET";
  // Reads have none: states and counters change without the ETag.
  const conditions = take_conditions();
  share_answer(options);
  const foreign = check_source(options);
  const preflight = preflight_headers(options);
  if (foreign === undefined && preflight !== undefined) {
    send({ status: 204, headers: preflight });
    return;
  }
  const refused = foreign ?? check_access(options, is_write);
  if (refused !== undefined) {
    send_problem(refused, refused.status === 401 ? { "WWW-Authenticate": CHALLENGES } : {});
    return;
  }
  const segments = path_below(options.prefix);
  if (segments === undefined) {
    send_problem(
      not_found("PathNotFound", `the API is at ${options.prefix}: set api.prefix to the location's path`),
    );
    return;
  }
  const [route, parameters, missing] = find(segments);
  if (route === undefined) {
    send_problem(missing as Problem);
    return;
  }
  const handler = route[method];
  if (handler === undefined || (is_write && !options.write)) {
    const disabled = { status: 405, code: "MethodDisabled", text: "method disabled" };
    send_problem(disabled, { Allow: allowed_methods(route, options.write) });
    return;
  }
  // No resource reads the body of a DELETE. A malformed one must be refused before anything is deleted.
  if (method === "DELETE") ngx.req.read_body();
  const [answer, problem] = handler({ method, prefix: options.prefix, parameters, conditions });
  if (answer === undefined) send_problem(problem as Problem);
  else send(answer);
}
