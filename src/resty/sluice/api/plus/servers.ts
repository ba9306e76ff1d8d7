import { parse_address } from "../../config/address";
import { read_server, read_server_change } from "../../config/server";
import { format_problem, type Problem } from "../../config/problem";
import { find_by_address, find_by_id } from "../../store/document/document";
import { add_server, patch_server, remove_server } from "../../store/document/edit";
import { parse_line } from "../../store/document/line";
import { upstream_not_found, server_not_found } from "../../store/document/problems";
import { read } from "../../store/document/read";
import { etag, ok, type Answered } from "../answer";
import { parse_id, write_existing } from "../existing";
import { filter_object, wanted_fields } from "../fields";
import { argument, read_object, type ApiRequest } from "../request";
import type { Route } from "../route";
import { server_objects, server_object } from "../server_object";

/** `/http/upstreams/<name>/servers`: the configuration of servers. */

function get_servers(this: void, request: ApiRequest): Answered {
  const document = read(request.parameters.name);
  if (document === undefined) return $multi(undefined, upstream_not_found(request.parameters.name));
  return ok(server_objects(document, wanted_fields()), document);
}

function post_server(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const [input, , unreadable] = read_object();
  if (input === undefined) return $multi(undefined, unreadable);
  const [server, invalid] = read_server(input);
  const [document, problem] = write_existing(name, request.conditions, (current, revision) => {
    if (server === undefined) return $multi(undefined, invalid);
    return add_server(current, server, revision);
  });
  if (document === undefined) return $multi(undefined, problem);
  const line = document.lines[document.lines.length - 1];
  const [path] = string.match(ngx.var.request_uri ?? "", "^([^?#]*[^?#/])/*$");
  return $multi(
    {
      status: 201,
      body: server_object(line),
      headers: {
        Location: `${path ?? ""}/${parse_line(line).id}`,
        ETag: etag(document),
      },
    },
    undefined,
  );
}

function get_server(this: void, request: ApiRequest): Answered {
  const [id, bad] = parse_id(request.parameters.id);
  const document = read(request.parameters.name);
  if (document === undefined) return $multi(undefined, upstream_not_found(request.parameters.name));
  if (id === undefined) return $multi(undefined, bad);
  const index = find_by_id(document, id);
  if (index === undefined) return $multi(undefined, server_not_found(`ID "${id}"`));
  return ok(filter_object(server_object(document.lines[index]), wanted_fields()), document);
}

function read_change_of(
  input: Record<string, unknown> | undefined,
  unreadable: Problem | undefined,
): ReturnType<typeof read_server_change> {
  if (input === undefined) return $multi(undefined, unreadable);
  return read_server_change(input);
}

function patch(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const [id, bad] = parse_id(request.parameters.id);
  const [input, , unreadable] = read_object();
  const [change, invalid] = read_change_of(input, unreadable);
  const [document, problem] = write_existing(name, request.conditions, (current, revision) => {
    if (id === undefined) return $multi(undefined, bad);
    if (find_by_id(current, id) === undefined) return $multi(undefined, server_not_found(`ID "${id}"`));
    if (change === undefined) return $multi(undefined, invalid);
    return patch_server(current, id, change, revision);
  });
  if (document === undefined || id === undefined) return $multi(undefined, problem);
  const index = find_by_id(document, id);
  return ok(server_object(document.lines[index as number]), document);
}

function delete_server(this: void, request: ApiRequest): Answered {
  const [id, bad] = parse_id(request.parameters.id);
  const [document, problem] = write_existing(request.parameters.name, request.conditions, (current) => {
    if (id === undefined) return $multi(undefined, bad);
    return remove_server(current, id);
  });
  if (document === undefined) return $multi(undefined, problem);
  return ok(server_objects(document, wanted_fields()), document);
}

/** `DELETE …/servers/?server=10.0.0.1:8080`. */
function delete_by_address(this: void, request: ApiRequest): Answered {
  const given = argument("server");
  const [address, bad_address] = parse_address(given);
  if (given === undefined) return $multi(undefined, format_problem('invalid "server": must be given'));
  const [document, problem] = write_existing(request.parameters.name, request.conditions, (current) => {
    if (address === undefined) return $multi(undefined, bad_address);
    const index = find_by_address(current, address.server);
    if (index === undefined) return $multi(undefined, server_not_found(`address "${address.server}"`));
    return remove_server(current, parse_line(current.lines[index]).id);
  });
  if (document === undefined) return $multi(undefined, problem);
  return ok(server_objects(document, wanted_fields()), document);
}

export const routes: Route[] = [
  { path: "http/upstreams/{name}/servers", GET: get_servers, POST: post_server, DELETE: delete_by_address },
  { path: "http/upstreams/{name}/servers/{id}", GET: get_server, PATCH: patch, DELETE: delete_server },
];
