import type { ApiOptions } from "../config/options";
import type { Problem } from "../config/problem";
import { list } from "../lib/json";
import { count_refusal } from "../store/memory/refusals";
import { ok, send, send_problem, type Answered } from "./answer";
import { audit } from "./audit";
import * as changes from "./changes/changes";
import { authorize, roles_for } from "./client/authorize";
import { NOBODY, type Client } from "./client/client";
import { identify } from "./client/identify";
import { check_content_type } from "./content_type";
import { preflight_headers, share_answer } from "./cross_origin";
import * as dashboard from "./dashboard";
import * as history from "./history/history";
import * as rollback from "./history/rollback";
import * as metrics from "./metrics/metrics";
import * as nginx from "./plus/nginx";
import * as plus_servers from "./plus/servers";
import * as plus_stub_status from "./plus/stub_status";
import * as plus_upstreams from "./plus/upstreams";
import * as plus_workers from "./plus/workers";
import { take_conditions } from "./precondition";
import type { ApiRequest } from "./request";
import { METHODS, type Handler, type MethodName, type Route } from "./route";
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
import { check_source } from "./source";
import { abandon_stream } from "./stream/streams";

/** Routes a request to the resource that answers it. */

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

const ROOT: Route = { path: "", scope: "neutral", GET: versions };

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

/** A request whose answer may be written to the audit log. */
interface Exchange {
  method: MethodName;
  /** False: it changes nothing. */
  is_write: boolean;
  route: Route | undefined;
  /** The variable parts of the path, and the client; undefined: not known yet. */
  parameters: Record<string, string>;
  client: Client | undefined;
  /** The upstreams that the body of a change names; undefined: it has named none. */
  upstreams: readonly string[] | undefined;
}

function note({ method, client, parameters, upstreams }: Exchange, status: number, code?: string): void {
  const named = parameters.name === undefined ? [] : [parameters.name];
  audit({ method, client, upstreams: upstreams ?? named, status, code });
}

/** Sends a problem, and counts it if the request would have changed something. */
function refuse(exchange: Exchange, problem: Problem, headers?: Record<string, string>): void {
  const { status, code } = problem;
  if (exchange.is_write) count_refusal(code);
  if (exchange.is_write || status === 401 || status === 403) note(exchange, status, code);
  send_problem(problem, headers);
}

/**
 * Finds out who the client is, and whether it may send the request. Returns the problem if it may not.
 * Knowing which paths exist needs no role.
 */
function check_client(exchange: Exchange, options: ApiOptions): Problem | undefined {
  const { method, is_write, route, parameters } = exchange;
  const is_there = route?.[method] !== undefined;
  const needed = roles_for(route ?? ROOT, method);
  const [client, problem] = identify(options, is_write, needed);
  exchange.client = client;
  if (client === undefined || problem !== undefined) return problem;
  if (!is_there || route === undefined) return undefined;
  return authorize(client, route, method, parameters);
}

/** Answers by the handler of a route. The client may use it. */
function answer_by(handler: Handler, exchange: Exchange, request: ApiRequest): void {
  // No resource reads the body of a DELETE, but a malformed body must be refused before anything is deleted.
  if (request.method === "DELETE") ngx.req.read_body();
  const [answer, problem] = handler(request);
  exchange.upstreams = request.named_upstreams;
  if (answer === undefined) {
    refuse(exchange, problem as Problem);
    return;
  }
  if (exchange.is_write && answer.is_routine !== true) note(exchange, answer.status);
  send(answer);
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
  const exchange: Exchange = { method, is_write, route, parameters, client: undefined, upstreams: undefined };
  const is_page = route?.is_page === true && !is_write;
  const foreign = check_source(options, is_page);
  const preflight = preflight_headers(options);
  if (foreign === undefined && preflight !== undefined) {
    send({ status: 204, headers: preflight });
    return;
  }
  const refused = foreign ?? (is_page ? undefined : check_client(exchange, options));
  if (refused !== undefined) {
    refuse(exchange, refused, challenge_headers(refused));
    return;
  }
  const unreadable = is_write ? check_content_type() : undefined;
  if (unreadable !== undefined) {
    refuse(exchange, unreadable);
    return;
  }
  if (segments === undefined) {
    const text = `the API is at ${options.prefix}: set api.prefix to the location's path`;
    refuse(exchange, not_found("PathNotFound", text));
    return;
  }
  if (route === undefined) {
    refuse(exchange, missing as Problem);
    return;
  }
  const handler = route[method];
  if (handler === undefined || (is_write && !options.write)) {
    const disabled = { status: 405, code: "MethodDisabled", text: "method disabled" };
    refuse(exchange, disabled, { Allow: allowed_methods(route, options.write) });
    return;
  }
  const client = exchange.client ?? NOBODY;
  answer_by(handler, exchange, { method, options, parameters, conditions, client });
}
