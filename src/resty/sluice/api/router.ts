import type { ApiOptions } from "../config/options";
import type { Problem } from "../config/problem";
import { in_slices } from "../lib/slices";
import { count_refusal } from "../store/memory/refusals";
import { send, send_problem } from "./answer";
import { audit } from "./audit";
import { authorize, roles_for } from "./client/authorize";
import { NOBODY, type Client } from "./client/client";
import { identify } from "./client/identify";
import { check_content_type } from "./content_type";
import { preflight_headers, share_answer } from "./cross_origin";
import { take_conditions } from "./precondition";
import type { ApiRequest } from "./request";
import { METHODS, type Handler, type MethodName, type Route } from "./route";
import { find_route, path_below, path_not_found, ROOT } from "./routes";
import { check_source } from "./source";
import { abandon_stream } from "./stream/streams";

/** Answers a request by the resource that its path names, if the client may use it. */

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
  const [route, parameters, missing] = find_route(segments ?? []);
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
    refuse(exchange, path_not_found(text));
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
  in_slices(() => {
    answer_by(handler, exchange, { method, options, parameters, conditions, client });
  });
}
