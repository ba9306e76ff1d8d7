import { missing_value, type Problem } from "../../config/problem";
import {
  read_named_server,
  read_server_change,
  type ServerChange,
  type ServerConfig,
} from "../../config/server";
import type { Read } from "../../config/reader";
import { encode } from "../../lib/json";
import { set_of } from "../../lib/tables";
import { escape_invalid_utf8 } from "../../lib/utf8";
import { free_new_rows } from "../../store/commit";
import { find_by_id, type Document } from "../../store/document/document";
import { add_server, patch_server, remove_server } from "../../store/document/edit";
import type { HostRecord } from "../../store/document/host";
import { find_host } from "../../store/document/hosts";
import { has_adaptive } from "../../store/document/line";
import { read } from "../../store/document/read";
import { etag, ok, reply_text, type Answered } from "../answer";
import { check_role, type Client } from "../client/client";
import { find_any_server, of_upstream, write_existing } from "../existing";
import { filter_object, wanted_fields } from "../fields";
import { look_up_names } from "../lookups";
import { argument, read_object, type ApiRequest } from "../request";
import type { Route } from "../route";
import { plus_server_object, server_list_text } from "../server_object";

/** `/http/upstreams/<name>/servers`: the configuration of servers. */

function servers_text(document: Document): string {
  const fields = wanted_fields();
  if (fields === undefined && !document.lines.some((line) => has_adaptive(line)))
    return server_list_text(document);
  return server_list_text(document, (given) =>
    escape_invalid_utf8(encode(filter_object(plus_server_object(document, given), fields))),
  );
}

const get_servers = of_upstream((document) => reply_text(200, servers_text(document), document));

/** Returns the server with an id, which exists, in the form that `server_object` takes. */
function server_with(document: Document, id: number): string | HostRecord {
  const index = find_by_id(document, id);
  return index === undefined ? (find_host(document, id) as HostRecord) : document.lines[index];
}

/** Reads servers, unless the problem `unknown` comes first. */
function read_all(inputs: readonly unknown[], unknown: Problem | undefined): Read<ServerConfig[]> {
  if (unknown !== undefined) return $multi(undefined, unknown);
  const servers: ServerConfig[] = [];
  for (const input of inputs) {
    const [server, invalid] = read_named_server(input);
    if (server === undefined) return $multi(undefined, invalid);
    servers.push(server);
  }
  return $multi(servers, undefined);
}

/** Adds a server: several if the addresses of a host name were looked up. All of them, or none. */
function add_all(current: Document, servers: readonly ServerConfig[], revision: number): Read<Document> {
  let document = current;
  for (const server of servers) {
    const [next, problem] = add_server(document, server, revision);
    if (next === undefined) {
      free_new_rows([{ current, next: document }]);
      return $multi(undefined, problem);
    }
    document = next;
  }
  return $multi(document, undefined);
}

function post(this: void, request: ApiRequest): Answered {
  const [input, , unreadable] = read_object();
  if (input === undefined) return $multi(undefined, unreadable);
  const inputs = [input];
  const { name } = request.parameters;
  const unknown = read(name) === undefined ? undefined : look_up_names(name, inputs, undefined);
  const [servers, invalid] = read_all(inputs, unknown);
  let id = 0;
  const [document, problem] = write_existing(request, (current, revision) => {
    if (servers === undefined) return $multi(undefined, invalid);
    id = current.next_id;
    return add_all(current, servers, revision);
  });
  if (document === undefined) return $multi(undefined, problem);
  const [path] = string.match(ngx.var.request_uri ?? "", "^([^?#]*[^?#/])/*$");
  const headers = { Location: `${path ?? ""}/${id}`, ETag: etag(document) };
  return $multi(
    { status: 201, body: plus_server_object(document, server_with(document, id)), headers },
    undefined,
  );
}

const get_server = of_upstream((document, request) => {
  const [found, problem] = find_any_server(document, request);
  if (found === undefined) return $multi(undefined, problem);
  return ok(filter_object(plus_server_object(document, found.shown), wanted_fields()), document);
});

/** The parameters that a client with the role "operate" may change: whether and how much a server serves. */
const OPERATED = set_of(["weight", "down", "drain", "standby"]);

/** Returns the problem of a client without the role that a change of these parameters needs. */
function check_parameters(client: Client, change: ServerChange): Problem | undefined {
  for (const [name] of pairs(change as Record<string, unknown>)) {
    if (!OPERATED.has(name)) return check_role(client, ["write"], `a change of "${name}"`);
  }
  return undefined;
}

function read_change(client: Client): Read<ServerChange> {
  const [input, , unreadable] = read_object();
  if (input === undefined) return $multi(undefined, unreadable);
  const [change, invalid] = read_server_change(input);
  if (change === undefined) return $multi(undefined, invalid);
  const forbidden = check_parameters(client, change);
  return $multi(forbidden === undefined ? change : undefined, forbidden);
}

function patch(this: void, request: ApiRequest): Answered {
  const [change, invalid] = read_change(request.client);
  let id = 0;
  const [document, problem] = write_existing(request, (current, revision) => {
    const [found, missing] = find_any_server(current, request);
    if (found === undefined) return $multi(undefined, missing);
    if (change === undefined) return $multi(undefined, invalid);
    id = found.id;
    return patch_server(current, id, change, revision);
  });
  if (document === undefined) return $multi(undefined, problem);
  return ok(plus_server_object(document, server_with(document, id)), document);
}

/** `DELETE …/servers/<id>` or `…/servers/?server=10.0.0.1:8080`. */
function remove(this: void, request: ApiRequest): Answered {
  if (request.parameters.id === undefined && argument("server") === undefined)
    return $multi(undefined, missing_value("server"));
  const [document, problem] = write_existing(request, (current) => {
    const [found, missing] = find_any_server(current, request);
    if (found === undefined) return $multi(undefined, missing);
    return remove_server(current, found.id);
  });
  if (document === undefined) return $multi(undefined, problem);
  return reply_text(200, servers_text(document), document);
}

export const routes: Route[] = [
  { path: "http/upstreams/{name}/servers", GET: get_servers, POST: post, DELETE: remove },
  {
    path: "http/upstreams/{name}/servers/{id}",
    // This role may change only some parameters.
    roles: { PATCH: ["operate"] },
    GET: get_server,
    PATCH: patch,
    DELETE: remove,
  },
];
