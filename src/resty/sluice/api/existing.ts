import { parse_address } from "../config/address";
import { is_host_name, parts_of_name } from "../config/host_name";
import { missing_value, type Problem } from "../config/problem";
import type { Read } from "../config/reader";
import { find_by_address, find_by_id, type Document } from "../store/document/document";
import type { HostRecord } from "../store/document/host";
import { find_host, find_host_at } from "../store/document/hosts";
import { numbers_in } from "../store/document/line";
import { server_not_found, upstream_not_found } from "../store/document/problems";
import { read } from "../store/document/read";
import type { Edit } from "../store/edit";
import { write } from "../store/write";
import type { Answered } from "./answer";
import { author_of } from "./author";
import { check_conditions, type Conditions } from "./precondition";
import { argument, type ApiRequest } from "./request";
import type { Handler } from "./route";

/** Upstreams and servers that a request names. */

/** Makes the handler of a path below an upstream, which must exist. */
export function of_upstream(
  handler: (this: void, document: Document, request: ApiRequest) => Answered,
): Handler {
  return (request) => {
    const { name } = request.parameters;
    const document = read(name);
    if (document === undefined) return $multi(undefined, upstream_not_found(name));
    return handler(document, request);
  };
}

/** Reads the server id of a path. */
export function parse_id(text: string): Read<number> {
  if (string.find(text, "^%d+$")[0] === undefined || text.length > 15) {
    const reason = `"${string.sub(text, 1, 40)}" is not a server ID`;
    return $multi(undefined, { status: 400, code: "UpstreamBadServerId", text: reason });
  }
  return $multi(tonumber(text), undefined);
}

/** Returns the problem of a server that has no requests of its own, because it has a host name. */
function has_no_requests({ id, server }: HostRecord): Problem {
  const reason = `the server ${id} is the host name "${server}": set its "drain", or drain a server with its address`;
  return { status: 400, code: "UpstreamBadServerId", text: reason };
}

/** Returns the index of the server that a request names by the id in its path or the address in its query. */
export function find_server(document: Document, request: ApiRequest): Read<number> {
  const host = find_host_of(document, request);
  if (host !== undefined) return $multi(undefined, has_no_requests(host));
  const { parameters } = request;
  if (parameters.id !== undefined) {
    const [id, bad] = parse_id(parameters.id);
    if (id === undefined) return $multi(undefined, bad);
    const index = find_by_id(document, id);
    return $multi(index, index === undefined ? server_not_found(`ID "${id}"`) : undefined);
  }
  const given = argument("server");
  if (given === undefined) return $multi(undefined, missing_value("server"));
  const [address, bad] = parse_address(given);
  if (address === undefined) return $multi(undefined, bad);
  const index = find_by_address(document, address.server);
  return $multi(index, index === undefined ? server_not_found(`address "${address.server}"`) : undefined);
}

/** A server that a request names: the line of one with an address, or one with a host name. */
export interface FoundServer {
  id: number;
  shown: string | HostRecord;
}

/** Finds the server of a request, which may be one with a host name. */
export function find_any_server(document: Document, request: ApiRequest): Read<FoundServer> {
  const host = find_host_of(document, request);
  if (host !== undefined) return $multi({ id: host.id, shown: host }, undefined);
  const [index, problem] = find_server(document, request);
  if (index === undefined) return $multi(undefined, problem);
  const line = document.lines[index];
  return $multi({ id: numbers_in(line)[0], shown: line }, undefined);
}

function find_host_of(document: Document, { parameters }: ApiRequest): HostRecord | undefined {
  if (parameters.id !== undefined) {
    const [id] = parse_id(parameters.id);
    return id === undefined ? undefined : find_host(document, id);
  }
  const given = argument("server");
  if (!is_host_name(given)) return undefined;
  const [name, port] = parts_of_name(given);
  const service = argument("service");
  return find_host_at(document, given, service) ?? find_host_at(document, `${name}:${port ?? 80}`, service);
}

/** Makes the new document of an upstream that exists; see `Edit`. */
export type EditExisting = (this: void, document: Document, revision: number) => ReturnType<Edit>;

/** Makes the edit of an upstream that must exist and meet conditions. */
export function if_it_exists(name: string, conditions: Conditions, edit: EditExisting): Edit {
  return (current, revision) => {
    if (current === undefined) return $multi(undefined, upstream_not_found(name));
    const lost = check_conditions(conditions, current);
    if (lost !== undefined) return $multi(undefined, lost);
    return edit(current, revision);
  };
}

/** Changes the upstream that a request names, if it meets the request's conditions. Phase: content_by_lua. */
export function write_existing(request: ApiRequest, edit: EditExisting): Read<Document> {
  const { conditions, parameters } = request;
  return write(parameters.name, author_of(request), if_it_exists(parameters.name, conditions, edit));
}
