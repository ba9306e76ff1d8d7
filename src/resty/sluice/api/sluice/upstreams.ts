import { format_problem, type Problem } from "../../config/problem";
import { check_name, read_upstream, type UpstreamConfig } from "../../config/upstream";
import { encode, shape, shaped } from "../../lib/json";
import { parse_line, type Document } from "../../store/document";
import { replace_upstream } from "../../store/edit";
import { names, read, revision, upstream_not_found } from "../../store/read";
import { write, type Edit } from "../../store/write";
import { etag, ok, type Answer, type Answered } from "../answer";
import { collection_pieces } from "../collection";
import { server_objects } from "../plus/servers";
import { check_match, take_if_match } from "../precondition";
import { read_object, type ApiRequest } from "../request";
import type { Route } from "../route";

/** `/sluice/1/upstreams`: whole upstreams, each changed in one step. */

const UPSTREAM = shape(["method", "servers"]);

function upstream_object(document: Document): object {
  return shaped({ method: document.method, servers: server_objects(document) }, UPSTREAM);
}

/** JSON's `{}` and `[]` are one in Lua; an object given for the list must not empty the upstream. */
function check_servers(input: Record<string, unknown>): Problem | undefined {
  const servers = input.servers;
  if (type(servers) !== "table" || (servers as unknown[])[0] !== undefined) return undefined;
  const is_list = string.find(ngx.req.get_body_data() ?? "[", '"servers"%s*:%s*%[')[0] !== undefined;
  return is_list ? undefined : format_problem('invalid "servers" value: not a list');
}

/** Leaves out the ids, which a client may send back as it got them. */
function without_ids(input: Record<string, unknown>): void {
  for (const server of (input.servers ?? []) as Record<string, unknown>[]) {
    if (type(server) === "table") server.id = undefined;
  }
}

function read_input(): LuaMultiReturn<[Record<string, unknown> | undefined, Problem | undefined]> {
  const [input, unreadable] = read_object();
  if (input === undefined) return $multi(undefined, unreadable);
  const ambiguous = check_servers(input);
  if (ambiguous !== undefined) return $multi(undefined, ambiguous);
  if (type(input.servers) === "table") without_ids(input);
  return $multi(input, undefined);
}

function config_of(document: Document): UpstreamConfig {
  const servers = [];
  for (const line of document.lines) servers.push(parse_line(line));
  return { method: document.method, servers };
}

function get_all(this: void): Answered {
  const headers = { ETag: etag(revision()) };
  const next_piece = collection_pieces(names(), (name) => {
    const document = read(name);
    return document === undefined ? undefined : encode(upstream_object(document));
  });
  return $multi({ status: 200, next_piece, headers }, undefined);
}

function get_one(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const document = read(name);
  if (document === undefined) return $multi(undefined, upstream_not_found(name));
  return ok(upstream_object(document), document.revision);
}

function put(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const bad_name = check_name(name);
  if (bad_name !== undefined) return $multi(undefined, bad_name);
  const [input, unreadable] = read_input();
  if (input === undefined) return $multi(undefined, unreadable);
  const [config, invalid] = read_upstream(input);
  if (config === undefined) return $multi(undefined, invalid);

  const condition = take_if_match();
  let status = 200;
  const edit: Edit = (current, next_revision) => {
    const lost = check_match(condition, current);
    if (lost !== undefined) return $multi(undefined, lost);
    if (current === undefined) status = 201;
    return replace_upstream(current, config, next_revision);
  };
  const [document, problem] = write(name, edit);
  if (document === undefined) return $multi(undefined, problem);
  const answer: Answer = {
    status,
    body: upstream_object(document),
    headers: { ETag: etag(document.revision) },
  };
  return $multi(answer, undefined);
}

function patch(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const condition = take_if_match();
  const [input, unreadable] = read_input();
  const [document, problem] = write(name, (current, next_revision) => {
    if (current === undefined) return $multi(undefined, upstream_not_found(name));
    if (input === undefined) return $multi(undefined, unreadable);
    const lost = check_match(condition, current);
    if (lost !== undefined) return $multi(undefined, lost);
    const [config, invalid] = read_upstream(input, config_of(current));
    if (config === undefined) return $multi(undefined, invalid);
    return replace_upstream(current, config, next_revision);
  });
  if (document === undefined) return $multi(undefined, problem);
  return ok(upstream_object(document), document.revision);
}

function remove(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const condition = take_if_match();
  const [, problem] = write(name, (current) => {
    if (current === undefined) return $multi(undefined, upstream_not_found(name));
    return $multi(undefined, check_match(condition, current));
  });
  if (problem !== undefined) return $multi(undefined, problem);
  return $multi({ status: 204 }, undefined);
}

export const routes: Route[] = [
  { path: "upstreams", GET: get_all },
  { path: "upstreams/{name}", GET: get_one, PUT: put, PATCH: patch, DELETE: remove },
];
