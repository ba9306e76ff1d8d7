import { missing_value, type Problem } from "../../config/problem";
import { read_server, read_server_change, type ServerChange } from "../../config/server";
import type { Read } from "../../config/reader";
import { set_of } from "../../lib/tables";
import { add_server, patch_server, remove_server } from "../../store/document/edit";
import { parse_line } from "../../store/document/line";
import { etag, ok, type Answered } from "../answer";
import { check_role, type Client } from "../client/client";
import { find_server, of_upstream, write_existing } from "../existing";
import { filter_object, wanted_fields } from "../fields";
import { argument, read_object, type ApiRequest } from "../request";
import type { Route } from "../route";
import { server_objects, server_object } from "../server_object";

/** `/http/upstreams/<name>/servers`: the configuration of servers. */

const get_servers = of_upstream((document) => ok(server_objects(document, wanted_fields()), document));

function post(this: void, request: ApiRequest): Answered {
  const [input, , unreadable] = read_object();
  if (input === undefined) return $multi(undefined, unreadable);
  const [server, invalid] = read_server(input);
  const [document, problem] = write_existing(request, (current, revision) => {
    if (server === undefined) return $multi(undefined, invalid);
    return add_server(current, server, revision);
  });
  if (document === undefined) return $multi(undefined, problem);
  const line = document.lines[document.lines.length - 1];
  const [path] = string.match(ngx.var.request_uri ?? "", "^([^?#]*[^?#/])/*$");
  const headers = { Location: `${path ?? ""}/${parse_line(line).id}`, ETag: etag(document) };
  return $multi({ status: 201, body: server_object(line), headers }, undefined);
}

const get_server = of_upstream((document, request) => {
  const [index, problem] = find_server(document, request);
  if (index === undefined) return $multi(undefined, problem);
  return ok(filter_object(server_object(document.lines[index]), wanted_fields()), document);
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
  let index = 0;
  const [document, problem] = write_existing(request, (current, revision) => {
    const [found, missing] = find_server(current, request);
    if (found === undefined) return $multi(undefined, missing);
    if (change === undefined) return $multi(undefined, invalid);
    index = found;
    return patch_server(current, parse_line(current.lines[index]).id, change, revision);
  });
  if (document === undefined) return $multi(undefined, problem);
  return ok(server_object(document.lines[index]), document);
}

/** `DELETE …/servers/<id>` or `…/servers/?server=10.0.0.1:8080`. */
function remove(this: void, request: ApiRequest): Answered {
  if (request.parameters.id === undefined && argument("server") === undefined)
    return $multi(undefined, missing_value("server"));
  const [document, problem] = write_existing(request, (current) => {
    const [index, missing] = find_server(current, request);
    if (index === undefined) return $multi(undefined, missing);
    return remove_server(current, parse_line(current.lines[index]).id);
  });
  if (document === undefined) return $multi(undefined, problem);
  return ok(server_objects(document, wanted_fields()), document);
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
