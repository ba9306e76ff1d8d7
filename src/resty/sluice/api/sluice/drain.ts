import { canonical_address, parse_address } from "../../config/address";
import { block, optional } from "../../config/block";
import { missing_value, type Problem } from "../../config/problem";
import { parse_time } from "../../config/time";
import { time_from } from "../../config/values";
import * as clock from "../../lib/clock";
import { iso8601 } from "../../lib/iso8601";
import { shape, shaped } from "../../lib/json";
import { find_by_address, find_by_id, type Document } from "../../store/document/document";
import { cancel_drain, find_drain, start_drain, WHEN_IDLE } from "../../store/document/drain";
import { find_drained } from "../../store/document/drained";
import { parse_line, type ServerRecord } from "../../store/document/line";
import { server_not_found, upstream_not_found } from "../../store/document/problems";
import { read } from "../../store/document/read";
import { active_requests } from "../../store/memory/rows";
import { etag, ok, type Answered } from "../answer";
import { parse_id, write_existing } from "../existing";
import { argument, read_object_if_any, type ApiRequest } from "../request";
import type { Route } from "../route";
import { write_serving } from "./emptying";

/**
 * `…/servers/<id>/drain` or `…/servers/drain?server=10.0.0.1:8080`: a job that removes a server once it is
 * idle.
 */

const JOB = shape(["id", "server", "active", "deadline"]);
const DONE = shape(["id", "server", "state", "time"]);
const REQUEST = block({ deadline: optional(time_from("1ms", "365d")) });

function job_object(record: ServerRecord): object {
  const { id, server, row, leave_by } = record;
  const deadline = leave_by === WHEN_IDLE ? undefined : leave_by;
  return shaped({ id, server, active: active_requests(row), deadline }, JOB);
}

/** Reads from a request's body when a server is to be removed at the latest. */
function read_leave_by(
  input: Record<string, unknown>,
): LuaMultiReturn<[string | undefined, Problem | undefined]> {
  const [fields, problem] = REQUEST.read("", input);
  if (fields === undefined) return $multi(undefined, problem);
  if (fields.deadline === undefined) return $multi(WHEN_IDLE, undefined);
  const milliseconds = parse_time(fields.deadline) as number;
  return $multi(iso8601(clock.wall_time() + milliseconds / 1000), undefined);
}

/** The server that a request names: by the id in the path, or by the address in the query. */
interface Target {
  id?: number;
  server?: string;
}

function read_target({ parameters }: ApiRequest): LuaMultiReturn<[Target | undefined, Problem | undefined]> {
  if (parameters.id !== undefined) {
    const [id, problem] = parse_id(parameters.id);
    return $multi(id === undefined ? undefined : { id }, problem);
  }
  const given = argument("server");
  if (given === undefined) return $multi(undefined, missing_value("server"));
  const [address, problem] = parse_address(given);
  return $multi(address === undefined ? undefined : { server: address.server }, problem);
}

function not_found({ id, server }: Target): Problem {
  return server_not_found(server === undefined ? `ID "${id}"` : `address "${server}"`);
}

/** Returns the id of the server that a request names, or undefined and the problem. */
function id_of(
  document: Document,
  target: Target,
): LuaMultiReturn<[number | undefined, Problem | undefined]> {
  const { id, server } = target;
  const index = server === undefined ? find_by_id(document, id ?? 0) : find_by_address(document, server);
  if (index === undefined) return $multi(undefined, not_found(target));
  return $multi(parse_line(document.lines[index]).id, undefined);
}

function post(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const [target, bad] = read_target(request);
  const [input, unreadable] = read_object_if_any();
  let id = 0;
  const [document, problem] = write_serving(name, request.conditions, (current) => {
    if (target === undefined) return $multi(undefined, bad);
    const [known, missing] = id_of(current, target);
    if (known === undefined) return $multi(undefined, missing);
    id = known;
    if (input === undefined) return $multi(undefined, unreadable);
    const [leave_by, invalid] = read_leave_by(input);
    if (leave_by === undefined) return $multi(undefined, invalid);
    return start_drain(current, known, leave_by);
  });
  if (document === undefined) return $multi(undefined, problem);
  const [record] = find_drain(document, id);
  const headers = { ETag: etag(document) };
  return $multi({ status: 202, body: job_object(record as ServerRecord), headers }, undefined);
}

/** Returns the server that a request names if it has a drain job, or undefined and the problem. */
function find_job(document: Document, target: Target): ReturnType<typeof find_drain> {
  const [id, missing] = id_of(document, target);
  if (id === undefined) return $multi(undefined, missing);
  return find_drain(document, id);
}

/** Returns a completed job; undefined: there was none, or it completed too long ago. */
function done_object(document: Document, { id, server }: Target): object | undefined {
  const name = server === undefined ? undefined : canonical_address(server);
  const done = find_drained(document, (entry) =>
    name === undefined ? entry.id === id : canonical_address(entry.server) === name,
  );
  if (done === undefined) return undefined;
  return shaped({ id: done.id, server: done.server, state: "done", time: done.time }, DONE);
}

function get(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const document: Document | undefined = read(name);
  if (document === undefined) return $multi(undefined, upstream_not_found(name));
  const [target, bad] = read_target(request);
  if (target === undefined) return $multi(undefined, bad);
  const [record, no_job] = find_job(document, target);
  if (record !== undefined) return ok(job_object(record), document);
  const done = done_object(document, target);
  if (done !== undefined) return ok(done, document);
  return $multi(undefined, no_job);
}

function cancel(this: void, request: ApiRequest): Answered {
  const [target, bad] = read_target(request);
  const [document, problem] = write_existing(request.parameters.name, request.conditions, (current) => {
    if (target === undefined) return $multi(undefined, bad);
    const [id, missing] = id_of(current, target);
    if (id === undefined) return $multi(undefined, missing);
    return cancel_drain(current, id);
  });
  if (document === undefined) return $multi(undefined, problem);
  return $multi({ status: 204, headers: { ETag: etag(document) } }, undefined);
}

export const routes: Route[] = [
  { path: "upstreams/{name}/servers/{id}/drain", GET: get, POST: post, DELETE: cancel },
  { path: "upstreams/{name}/servers/drain", GET: get, POST: post, DELETE: cancel },
];
