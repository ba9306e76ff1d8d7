import { canonical_address, parse_address } from "../../config/address";
import { block, optional } from "../../config/block";
import type { Read } from "../../config/reader";
import { parse_time } from "../../config/time";
import { time_from } from "../../config/values";
import * as clock from "../../lib/clock";
import { iso8601 } from "../../lib/iso8601";
import { record } from "../../lib/json";
import type { Document } from "../../store/document/document";
import { cancel_drain, no_job, start_drain, WHEN_IDLE } from "../../store/document/drain";
import { find_drained } from "../../store/document/drained";
import { parse_line, type ServerRecord } from "../../store/document/line";
import { active_requests } from "../../store/memory/rows";
import { ok, reply, type Answered } from "../answer";
import { find_server, of_upstream, parse_id, write_existing } from "../existing";
import { argument, read_object_if_any, type ApiRequest } from "../request";
import type { Route } from "../route";
import { write_serving } from "./emptying";

/**
 * `…/servers/<id>/drain` or `…/servers/drain?server=10.0.0.1:8080`: a job that removes a server once it
 * is idle.
 */

const job_record = record("id server active deadline");
const done_record = record("id server state time");
const REQUEST = block({ deadline: optional(time_from("1ms", "365d")) });

function job_object({ id, server, row, leave_by }: ServerRecord): object {
  const deadline = leave_by === WHEN_IDLE ? undefined : leave_by;
  return job_record({ id, server, active: active_requests(row), deadline });
}

/** Reads from a request's body when a server is to be removed at the latest. */
function read_leave_by(input: Record<string, unknown>): Read<string> {
  const [fields, problem] = REQUEST.read("", input);
  if (fields === undefined) return $multi(undefined, problem);
  if (fields.deadline === undefined) return $multi(WHEN_IDLE, undefined);
  const milliseconds = parse_time(fields.deadline) as number;
  return $multi(iso8601(clock.wall_time() + milliseconds / 1000), undefined);
}

function post(this: void, request: ApiRequest): Answered {
  const [input, unreadable] = read_object_if_any();
  let index = 0;
  const [document, problem] = write_serving(request, (current) => {
    const [found, missing] = find_server(current, request);
    if (found === undefined) return $multi(undefined, missing);
    if (input === undefined) return $multi(undefined, unreadable);
    const [leave_by, invalid] = read_leave_by(input);
    if (leave_by === undefined) return $multi(undefined, invalid);
    index = found;
    return start_drain(current, parse_line(current.lines[index]).id, leave_by);
  });
  if (document === undefined) return $multi(undefined, problem);
  return reply(202, job_object(parse_line(document.lines[index])), document);
}

/** Returns a completed job; undefined: there was none, or it completed too long ago. */
function done_object(document: Document, { parameters }: ApiRequest): object | undefined {
  const id = parameters.id === undefined ? undefined : parse_id(parameters.id)[0];
  const [address] = parse_address(argument("server"));
  const name = address === undefined ? undefined : canonical_address(address.server);
  const done = find_drained(document, (entry) =>
    parameters.id === undefined ? canonical_address(entry.server) === name : entry.id === id,
  );
  return done === undefined ? undefined : done_record({ ...done, state: "done" });
}

const get = of_upstream((document, request) => {
  const [index, missing] = find_server(document, request);
  const server = index === undefined ? undefined : parse_line(document.lines[index]);
  if (server !== undefined && server.leave_by !== "") return ok(job_object(server), document);
  const done = done_object(document, request);
  if (done !== undefined) return ok(done, document);
  return $multi(undefined, server === undefined ? missing : no_job(server.id));
});

function cancel(this: void, request: ApiRequest): Answered {
  const [document, problem] = write_existing(request, (current) => {
    const [index, missing] = find_server(current, request);
    if (index === undefined) return $multi(undefined, missing);
    return cancel_drain(current, parse_line(current.lines[index]).id);
  });
  if (document === undefined) return $multi(undefined, problem);
  return reply(204, undefined, document);
}

export const routes: Route[] = [
  {
    path: "upstreams/{name}/servers/{id}/drain",
    roles: { POST: ["operate"], DELETE: ["operate"] },
    GET: get,
    POST: post,
    DELETE: cancel,
  },
  {
    path: "upstreams/{name}/servers/drain",
    roles: { POST: ["operate"], DELETE: ["operate"] },
    GET: get,
    POST: post,
    DELETE: cancel,
  },
];
