import { check_server_address } from "../../config/address_class";
import { load_sources } from "../../config/load_source";
import { read_node, type NodeConfig } from "../../config/node";
import type { Problem } from "../../config/problem";
import type { Read } from "../../config/reader";
import { read_server, zone_in_metadata, type ServerConfig } from "../../config/server";
import { read_report, report_for, type Report } from "../../health/report";
import { expiry_of, note_report } from "../../health/reported";
import * as clock from "../../lib/clock";
import { iso8601 } from "../../lib/iso8601";
import { encode, record } from "../../lib/json";
import { parse_head, type Document } from "../../store/document/document";
import {
  expires,
  find_node,
  is_expired,
  leave,
  node_not_found,
  node_server,
  register,
  registered_nodes,
  renew,
  type NodeRecord,
} from "../../store/document/nodes";
import { upstream_not_found } from "../../store/document/problems";
import { get_text } from "../../store/memory/dict";
import { subject_of } from "../../store/memory/subject";
import { why_cut_off } from "../../store/source_status";
import { etag, ok, reply, reply_to_routine, type Answered } from "../answer";
import { collection_pieces } from "../collection";
import { of_upstream, write_existing } from "../existing";
import { check_none_match } from "../precondition";
import { read_object, type ApiRequest } from "../request";
import type { Route } from "../route";
import { SERVER_FIELDS } from "../server_object";

/** `/sluice/1/upstreams/<name>/nodes`: servers that register themselves. */

const node_record = record(`node ttl expires expired incarnation meta ${SERVER_FIELDS}`);
/** The members of a node that GET returns and that are not part of its registration. */
const MEMBERS_OF_GET = ["node", "expires", "expired", "id", "in_service", "source"];

function node_object(server: NodeRecord): object {
  const { name, ttl, incarnation, meta } = server.node;
  const end = expires(server);
  const object: Record<string, unknown> = { ...server, node: name, ttl, meta };
  if (end !== 0) object.expires = iso8601(clock.wall_time_of(end));
  if (is_expired(server)) object.expired = true;
  object.incarnation = incarnation === "" ? undefined : incarnation;
  // An absent "drain" means false, an absent "zone" none.
  if (object.drain === false) object.drain = undefined;
  if (object.zone === "") object.zone = undefined;
  return node_record(object);
}

/** The registration of a node, with an optional report. */
interface Registration {
  server: ServerConfig;
  report: Report | undefined;
}

/** Gives a server without a zone that of its metadata, which may be about something else. */
function take_zone(server: ServerConfig, { meta }: NodeConfig): void {
  if (server.zone === "") server.zone = zone_in_metadata(meta?.zone);
}

function read_registration(name: string): Read<Registration> {
  const [input, , unreadable] = read_object();
  if (input === undefined) return $multi(undefined, unreadable);
  // Only an object that GET has returned has this source. A client may send it back to register the node
  // again.
  for (const member of input.source === "register" ? MEMBERS_OF_GET : []) input[member] = undefined;
  let report: Report | undefined;
  if (input.report !== undefined) {
    const [read, bad_report] = read_report("report", input.report);
    if (read === undefined) return $multi(undefined, bad_report);
    report = read;
    input.report = undefined;
  }
  const [node, unknown] = read_node(name, input);
  if (node === undefined) return $multi(undefined, unknown);
  const [server, problem] = read_server(input);
  if (server === undefined) return $multi(undefined, problem);
  take_zone(server, node);
  const unfit = check_server_address(server.server);
  if (unfit !== undefined) return $multi(undefined, unfit);
  return $multi({ server: node_server(server, node), report }, undefined);
}

function node_of(document: Document, name: string): NodeRecord | undefined {
  return find_node(table.concat(document.lines, "\n"), name);
}

const get_all = of_upstream((document) => {
  const objects = new LuaTable<string, NodeRecord>();
  const names: string[] = [];
  for (const server of registered_nodes(document)) {
    objects.set(server.node.name, server);
    names.push(server.node.name);
  }
  table.sort(names);
  const next_piece = collection_pieces(names, (name) => encode(node_object(objects.get(name))));
  return $multi({ status: 200, next_piece, headers: { ETag: etag(document) } }, undefined);
});

const get_one = of_upstream((document, { parameters }) => {
  const found = node_of(document, parameters.node);
  if (found === undefined) return $multi(undefined, node_not_found(parameters.node));
  return ok(node_object(found), document);
});

/** Records the report of a registration, which is valid even if the report is outdated. */
function note_renewal_report(
  name: string,
  head: Document,
  server: NodeRecord,
  report: Report | undefined,
): void {
  if (report === undefined) return;
  const subject = subject_of(name, head.row, server);
  const used = report_for(head.method, load_sources(head), report);
  note_report(subject, used, expiry_of(head.load), clock.now());
}

/** The problem of a renewal that the other gateways do not receive: they would remove the server. */
function untold(cause: string): Problem {
  const what = "the registration was renewed at this gateway only";
  const text = `${what}, because etcd cannot be reached: ${cause}. Renew it at another gateway`;
  return { status: 503, code: "ClusterUnavailable", text };
}

function put(this: void, request: ApiRequest): Answered {
  const { name, node } = request.parameters;
  const text = get_text(name);
  if (text === undefined) return $multi(undefined, upstream_not_found(name));
  const [registration, invalid] = read_registration(node);
  if (registration === undefined) return $multi(undefined, invalid);
  const { server, report } = registration;
  const { match, none_match } = request.conditions;
  // If-Match does not apply to a renewal, which is not a change. A request with If-None-Match is not a
  // renewal.
  const renewed = none_match === undefined ? renew(text, server, clock.now()) : undefined;
  if (renewed !== undefined) {
    const [head] = parse_head(text);
    note_renewal_report(name, head, renewed, report);
    const cause = why_cut_off(clock.now());
    if (cause !== undefined) return $multi(undefined, untold(cause));
    return reply_to_routine(200, node_object(renewed), head);
  }

  let before: NodeRecord | undefined;
  const conditions = { match, none_match: undefined };
  const [document, problem] = write_existing({ ...request, conditions }, (current, revision) => {
    before = node_of(current, node);
    const is_taken = check_none_match(request.conditions, before === undefined ? undefined : current);
    if (is_taken !== undefined) return $multi(undefined, is_taken);
    return register(current, server, clock.now(), revision);
  });
  const after = document === undefined ? undefined : node_of(document, node);
  if (document === undefined || after === undefined) return $multi(undefined, problem);
  note_renewal_report(name, document, after, report);
  return reply(before?.incarnation === after.incarnation ? 200 : 201, node_object(after), document);
}

function remove(this: void, request: ApiRequest): Answered {
  const { node } = request.parameters;
  const [document, problem] = write_existing(request, (current) => leave(current, node));
  if (document === undefined) return $multi(undefined, problem);
  return reply(204, undefined, document);
}

export const routes: Route[] = [
  { path: "upstreams/{name}/nodes", roles: { GET: ["read", "report"] }, GET: get_all },
  {
    path: "upstreams/{name}/nodes/{node}",
    roles: { GET: ["read", "report"], PUT: ["report"], DELETE: ["report"] },
    GET: get_one,
    PUT: put,
    DELETE: remove,
  },
];
