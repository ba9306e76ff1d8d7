import { parse_address } from "../../config/address";
import type { Problem } from "../../config/problem";
import { SETTINGS_FIELDS, settings_of } from "../../config/settings";
import { check_name, read_upstream, type UpstreamConfig } from "../../config/upstream";
import { encode, shape, shaped } from "../../lib/json";
import { new_line_finder, parse_line, type Document } from "../../store/document";
import { replace_upstream } from "../../store/replace";
import { names, read, revision, upstream_not_found } from "../../store/read";
import { write, type Edit } from "../../store/write";
import { etag, ok, type Answer, type Answered } from "../answer";
import { collection_pieces } from "../collection";
import { server_objects } from "../plus/servers";
import { check_conditions } from "../precondition";
import { read_object, type ApiRequest } from "../request";
import type { Route } from "../route";
import { check_empty } from "./empty";
import { restore_secrets, without_secrets, without_webhook_secret } from "./secrets";

/** `/sluice/1/upstreams`: whole upstreams, each changed in one step. */

const UPSTREAM = shape(SETTINGS_FIELDS, ["servers"]);

function upstream_object(document: Document): object {
  const settings = settings_of(document);
  const discovery = without_secrets(settings.discovery);
  const autoscale = without_webhook_secret(settings.autoscale);
  return shaped({ ...settings, autoscale, discovery, servers: server_objects(document) }, UPSTREAM);
}

/**
 * Takes the ids and the sources, which a client may send back as it got them, off the servers. Returns the ids by
 * address.
 */
function take_ids(servers: unknown): LuaTable<string, unknown> {
  const ids = new LuaTable<string, unknown>();
  if (type(servers) !== "table") return ids;
  for (const server of servers as Record<string, unknown>[]) {
    if (type(server) === "table") {
      server.source = undefined;
      server.in_service = undefined;
      server.node = undefined;
    }
    if (type(server) === "table" && server.id !== undefined) {
      const [address] = parse_address(server.server);
      if (address !== undefined) ids.set(address.server, server.id);
      server.id = undefined;
    }
  }
  return ids;
}

/** An id that is sent back must be the one that the server has. */
function check_ids(current: Document | undefined, ids: LuaTable<string, unknown>): Problem | undefined {
  const line_at = current === undefined ? undefined : new_line_finder(current);
  for (const [address, id] of pairs(ids)) {
    const line = line_at?.(address);
    if (line === undefined || parse_line(line).id !== id) {
      return { status: 400, code: "UpstreamBadServerId", text: `"id" is not that of server "${address}"` };
    }
  }
  return undefined;
}

interface Input {
  upstream: Record<string, unknown>;
  ids: LuaTable<string, unknown>;
}

function read_input(): LuaMultiReturn<[Input | undefined, Problem | undefined]> {
  const [upstream, text, unreadable] = read_object();
  if (upstream === undefined) return $multi(undefined, unreadable);
  const ambiguous = check_empty(upstream, text);
  if (ambiguous !== undefined) return $multi(undefined, ambiguous);
  return $multi({ upstream, ids: take_ids(upstream.servers) }, undefined);
}

function config_of(document: Document): UpstreamConfig {
  const servers = [];
  for (const line of document.lines) servers.push(parse_line(line));
  return { ...settings_of(document), servers };
}

function get_all(this: void): Answered {
  const headers = { ETag: string.format('"%d"', revision()) };
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
  return ok(upstream_object(document), document);
}

function put(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const bad_name = check_name(name);
  if (bad_name !== undefined) return $multi(undefined, bad_name);
  const [input, unreadable] = read_input();
  if (input === undefined) return $multi(undefined, unreadable);
  const hidden = restore_secrets(input.upstream, read(name));
  if (hidden !== undefined) return $multi(undefined, hidden);
  const [config, invalid] = read_upstream(input.upstream);
  if (config === undefined) return $multi(undefined, invalid);

  let status = 200;
  const edit: Edit = (current, next_revision) => {
    const lost = check_conditions(request.conditions, current) ?? check_ids(current, input.ids);
    if (lost !== undefined) return $multi(undefined, lost);
    if (current === undefined) status = 201;
    return replace_upstream(current, config, next_revision);
  };
  const [document, problem] = write(name, edit);
  if (document === undefined) return $multi(undefined, problem);
  const answer: Answer = {
    status,
    body: upstream_object(document),
    headers: { ETag: etag(document) },
  };
  return $multi(answer, undefined);
}

function patch(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const [input, unreadable] = read_input();
  const [document, problem] = write(name, (current, next_revision) => {
    if (current === undefined) return $multi(undefined, upstream_not_found(name));
    if (input === undefined) return $multi(undefined, unreadable);
    const lost = check_conditions(request.conditions, current) ?? check_ids(current, input.ids);
    if (lost !== undefined) return $multi(undefined, lost);
    const hidden = restore_secrets(input.upstream, current);
    if (hidden !== undefined) return $multi(undefined, hidden);
    const [config, invalid] = read_upstream(input.upstream, config_of(current));
    if (config === undefined) return $multi(undefined, invalid);
    return replace_upstream(current, config, next_revision);
  });
  if (document === undefined) return $multi(undefined, problem);
  return ok(upstream_object(document), document);
}

function remove(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const [, problem] = write(name, (current) => {
    if (current === undefined) return $multi(undefined, upstream_not_found(name));
    return $multi(undefined, check_conditions(request.conditions, current));
  });
  if (problem !== undefined) return $multi(undefined, problem);
  return $multi({ status: 204 }, undefined);
}

export const routes: Route[] = [
  { path: "upstreams", GET: get_all },
  { path: "upstreams/{name}", GET: get_one, PUT: put, PATCH: patch, DELETE: remove },
];
