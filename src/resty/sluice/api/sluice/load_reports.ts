import { load_sources } from "../../config/load_source";
import { read_report, report_for } from "../../health/report";
import { count_bad_report, expiry_of, note_report } from "../../health/reported";
import * as clock from "../../lib/clock";
import { find_record, parse_head } from "../../store/document/document";
import type { ServerRecord } from "../../store/document/line";
import { find_node, node_not_found } from "../../store/document/nodes";
import { server_not_found, upstream_not_found } from "../../store/document/problems";
import { get_text } from "../../store/memory/dict";
import { subject_of } from "../../store/memory/subject";
import { reply_to_routine, type Answered } from "../answer";
import { parse_id } from "../existing";
import { read_object, type ApiRequest } from "../request";
import type { Route } from "../route";

/** `…/nodes/<node>/report` and `…/servers/<id>/report`: reports of load and state, without a lock. */

function note(name: string, text: string, record: ServerRecord): Answered {
  const [input, , unreadable] = read_object();
  if (input === undefined) return $multi(undefined, unreadable);
  const [head] = parse_head(text);
  const reporter = subject_of(name, head.row, record);
  const [report, invalid] = read_report("", input);
  if (report === undefined) {
    count_bad_report(reporter);
    return $multi(undefined, invalid);
  }
  const used = report_for(head.method, load_sources(head), report);
  const untimely = note_report(reporter, used, expiry_of(head.load), clock.now());
  if (untimely !== undefined) return $multi(undefined, untimely);
  return reply_to_routine(204);
}

function post_of_node(this: void, request: ApiRequest): Answered {
  const { name, node } = request.parameters;
  const text = get_text(name);
  if (text === undefined) return $multi(undefined, upstream_not_found(name));
  const record = find_node(text, node);
  if (record === undefined) return $multi(undefined, node_not_found(node));
  return note(name, text, record);
}

function post_of_server(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const [id, bad] = parse_id(request.parameters.id);
  const text = get_text(name);
  if (text === undefined) return $multi(undefined, upstream_not_found(name));
  if (id === undefined) return $multi(undefined, bad);
  const record = find_record(text, id);
  if (record === undefined) return $multi(undefined, server_not_found(`ID "${id}"`));
  return note(name, text, record);
}

export const routes: Route[] = [
  { path: "upstreams/{name}/nodes/{node}/report", roles: { POST: ["report"] }, POST: post_of_node },
  { path: "upstreams/{name}/servers/{id}/report", roles: { POST: ["report"] }, POST: post_of_server },
];
