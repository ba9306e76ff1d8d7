import * as clock from "../../lib/clock";
import { iso8601 } from "../../lib/iso8601";
import { encode, list, shape, shaped } from "../../lib/json";
import { reset_status, status_of, type ServerStatus } from "../../live/status";
import { reset_upstream_status, upstream_status } from "../../live/upstream_status";
import { dict_name } from "../../store/dict";
import { parse_line, type Document } from "../../store/document";
import { names, read, upstream_not_found } from "../../store/read";
import { active_requests } from "../../store/rows";
import { ok, type Answered } from "../answer";
import { collection_pieces } from "../collection";
import { filter_object, wanted_fields } from "../fields";
import type { ApiRequest } from "../request";
import type { Route } from "../route";
import { explained_state } from "../state";

/** `/http/upstreams`: what the servers do. */

const UPSTREAM = shape(["peers", "zombies", "zone", "queue", "without_key"]);
const QUEUE = shape(["size", "max_size", "overflows"]);
const PEER = shape([
  "id",
  "server",
  "name",
  "backup",
  "weight",
  "state",
  "active",
  "max_conns",
  "requests",
  "header_time",
  "response_time",
  "responses",
  "sent",
  "received",
  "fails",
  "unavail",
  "health_checks",
  "downtime",
  "downstart",
  "selected",
]);
const RESPONSES = shape(["1xx", "2xx", "3xx", "4xx", "5xx", "codes", "total"]);
const HEALTH_CHECKS = shape(["checks", "fails", "unhealthy", "last_passed"]);

function responses_object(codes: LuaTable<number, number>): object {
  const by_class = [0, 0, 0, 0, 0];
  const by_code: Record<string, number> = {};
  let total = 0;
  for (const [code, count] of pairs(codes)) {
    const its_class = math.floor(code / 100);
    if (its_class >= 1 && its_class <= 5) by_class[its_class - 1] += count;
    if (count > 0) by_code[string.format("%d", code)] = count;
    total += count;
  }
  const responses: Record<string, unknown> = { codes: by_code, total };
  for (const its_class of $range(1, 5)) responses[`${its_class}xx`] = by_class[its_class - 1];
  return shaped(responses, RESPONSES);
}

function whole(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : math.floor(milliseconds + 0.5);
}

function peer_object(line: string): object {
  const record = parse_line(line);
  const status: ServerStatus = status_of(record.row, record.incarnation);
  return shaped(
    {
      id: record.id,
      server: record.server,
      name: record.server,
      backup: record.backup,
      weight: record.weight,
      state: explained_state(record, status.active)[0],
      active: status.active,
      max_conns: record.max_conns,
      requests: status.requests,
      header_time: whole(status.header_time),
      response_time: whole(status.response_time),
      responses: responses_object(status.codes),
      sent: status.sent,
      received: status.received,
      fails: status.fails,
      unavail: status.unavail,
      health_checks: shaped(
        {
          checks: status.checks,
          fails: status.check_fails,
          unhealthy: status.unhealthy,
          last_passed: status.last_passed,
        },
        HEALTH_CHECKS,
      ),
      downtime: status.downtime,
      downstart: status.down_since === undefined ? undefined : iso8601(clock.wall_time_of(status.down_since)),
      selected: status.selected === undefined ? undefined : iso8601(clock.wall_time_of(status.selected)),
    },
    PEER,
  );
}

function zombies(document: Document): number {
  let count = 0;
  for (const leaver of document.leavers) {
    if (active_requests(leaver.row) > 0) count += 1;
  }
  return count;
}

function upstream_object(document: Document): object {
  const peers: object[] = [];
  for (const line of document.lines) peers.push(peer_object(line));
  const { without_key, waiting, overflows } = upstream_status(document.row);
  const { queue } = document;
  return shaped(
    {
      peers: list(peers),
      zombies: zombies(document),
      zone: dict_name(),
      queue:
        queue === undefined ? undefined : shaped({ size: waiting, max_size: queue.size, overflows }, QUEUE),
      without_key: document.method === "hash" ? without_key : undefined,
    },
    UPSTREAM,
  );
}

function get_all(this: void): Answered {
  const all = names();
  const fields = wanted_fields();
  if (fields?.length === 0) return ok(list(all));
  const next_piece = collection_pieces(all, (name) => {
    const document = read(name);
    return document === undefined ? undefined : encode(filter_object(upstream_object(document), fields));
  });
  return $multi({ status: 200, next_piece }, undefined);
}

function get_one(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const document = read(name);
  if (document === undefined) return $multi(undefined, upstream_not_found(name));
  return ok(filter_object(upstream_object(document), wanted_fields()), document);
}

function reset(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const document = read(name);
  if (document === undefined) return $multi(undefined, upstream_not_found(name));
  let [done, cause] = reset_upstream_status(document.row);
  for (const line of document.lines) {
    const { row, incarnation } = parse_line(line);
    if (done !== undefined) [done, cause] = reset_status(row, incarnation);
  }
  if (done === undefined) return $multi(undefined, { status: 503, code: "StoreBusy", text: cause ?? "" });
  return $multi({ status: 204 }, undefined);
}

export const routes: Route[] = [
  { path: "http/upstreams", GET: get_all },
  { path: "http/upstreams/{name}", GET: get_one, DELETE: reset },
];
