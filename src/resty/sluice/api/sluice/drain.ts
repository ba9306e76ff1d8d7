import { read_fields } from "../../config/fields";
import type { Problem } from "../../config/problem";
import { parse_time } from "../../config/time";
import { time_from } from "../../config/values";
import * as clock from "../../lib/clock";
import { iso8601 } from "../../lib/iso8601";
import { shape, shaped } from "../../lib/json";
import { find_by_id, type Document, type ServerRecord } from "../../store/document";
import { cancel_drain, find_drain, start_drain, WHEN_IDLE } from "../../store/drain";
import { read, server_not_found, upstream_not_found } from "../../store/read";
import { active_requests } from "../../store/rows";
import { etag, ok, type Answered } from "../answer";
import { parse_id, write_existing } from "../existing";
import { read_object_if_any, type ApiRequest } from "../request";
import type { Route } from "../route";

/** `/sluice/1/upstreams/<name>/servers/<id>/drain`: the job that takes a server out once it has nothing to do. */

const JOB = shape(["id", "server", "active", "deadline"]);
const READERS = { deadline: time_from("1ms", "365d") };

function job_object(record: ServerRecord): object {
  const { id, server, row, leave_by } = record;
  const deadline = leave_by === WHEN_IDLE ? undefined : leave_by;
  return shaped({ id, server, active: active_requests(row), deadline }, JOB);
}

/** When a server is to leave, from a request's body. */
function read_leave_by(
  input: Record<string, unknown>,
): LuaMultiReturn<[string | undefined, Problem | undefined]> {
  const [fields, problem] = read_fields(input, "", READERS);
  if (fields === undefined) return $multi(undefined, problem);
  if (fields.deadline === undefined) return $multi(WHEN_IDLE, undefined);
  const milliseconds = parse_time(fields.deadline as string) as number;
  return $multi(iso8601(clock.wall_time() + milliseconds / 1000), undefined);
}

function post(this: void, request: ApiRequest): Answered {
  const [id, bad] = parse_id(request.parameters.id);
  const [input, unreadable] = read_object_if_any();
  const [document, problem] = write_existing(request.parameters.name, request.conditions, (current) => {
    if (id === undefined) return $multi(undefined, bad);
    if (find_by_id(current, id) === undefined) return $multi(undefined, server_not_found(`ID "${id}"`));
    if (input === undefined) return $multi(undefined, unreadable);
    const [leave_by, invalid] = read_leave_by(input);
    if (leave_by === undefined) return $multi(undefined, invalid);
    return start_drain(current, id, leave_by);
  });
  if (document === undefined || id === undefined) return $multi(undefined, problem);
  const [record] = find_drain(document, id);
  const headers = { ETag: etag(document) };
  return $multi({ status: 202, body: job_object(record as ServerRecord), headers }, undefined);
}

function get(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const document: Document | undefined = read(name);
  if (document === undefined) return $multi(undefined, upstream_not_found(name));
  const [id, bad] = parse_id(request.parameters.id);
  if (id === undefined) return $multi(undefined, bad);
  const [record, problem] = find_drain(document, id);
  if (record === undefined) return $multi(undefined, problem);
  return ok(job_object(record), document);
}

function cancel(this: void, request: ApiRequest): Answered {
  const [id, bad] = parse_id(request.parameters.id);
  const [document, problem] = write_existing(request.parameters.name, request.conditions, (current) => {
    if (id === undefined) return $multi(undefined, bad);
    return cancel_drain(current, id);
  });
  if (document === undefined) return $multi(undefined, problem);
  return $multi({ status: 204, headers: { ETag: etag(document) } }, undefined);
}

export const routes: Route[] = [
  { path: "upstreams/{name}/servers/{id}/drain", GET: get, POST: post, DELETE: cancel },
];
