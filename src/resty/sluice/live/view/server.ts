import { ADAPTIVE } from "../../config/adaptive_limit";
import { parse_address } from "../../config/address";
import { is_standing_by, may_serve, type ServerConfig, serves_nobody } from "../../config/server";
import { seconds_of } from "../../config/time";
import { new_table } from "../../lib/tables";
import type { ServerRecord } from "../../store/document/line";
import { limit_now } from "../../store/memory/limit";
import { active_at, row_at } from "../../store/memory/region";
import { adopt, own_cell } from "./counters";
import { type LiveServer, type LiveUpstream, Own, type Parameters } from "./model";

/** The named fields of a server; a power of two, which is how tables grow. */
const NAMED_FIELDS = 8;

/** The parameters of this worker's servers, by their values as a text. Those of no server are collected. */
const known = setmetatable(new LuaTable<string, Parameters | undefined>(), { __mode: "v" });

function parameters_of(server: ServerConfig): Parameters {
  const parameters: Parameters = {
    backup: server.backup,
    may_serve: may_serve(server),
    down: serves_nobody(server),
    stands_by: is_standing_by(server),
    is_adaptive: server.max_conns === ADAPTIVE,
    weight: server.weight,
    slow_start: seconds_of(server.slow_start),
  };
  const { backup, may_serve: serves, down, stands_by, is_adaptive, weight, slow_start } = parameters;
  const text = `${backup} ${serves} ${down} ${stands_by} ${is_adaptive} ${weight} ${slow_start}`;
  const same = known.get(text);
  if (same !== undefined) return same;
  known.set(text, parameters);
  return parameters;
}

/** Makes the server of a line, which no method knows yet. */
export function new_server(upstream: LiveUpstream, record: ServerRecord, line: string): LiveServer {
  const [address] = parse_address(record.server);
  const [stamp, counters] = adopt(record.row, record.incarnation);
  const server = new_table(Own.LAST, NAMED_FIELDS) as LiveServer;
  server.upstream = upstream;
  server.id = record.id;
  server.incarnation = record.incarnation;
  server.server = record.server;
  server[Own.HOST] = address?.host ?? "";
  server[Own.PORT] = address?.port ?? 0;
  if (record.zone !== "") server.zone = record.zone;
  server.weight = record.weight;
  server[Own.MAX_CONNS] = limit_now(record, record.row, upstream.limit_bounds);
  server[Own.PARAMETERS] = parameters_of(record);
  server.in_rotation = server[Own.PARAMETERS].may_serve;
  server.row = row_at(record.row);
  server[Own.ALL_ACTIVE] = active_at(record.row);
  server[Own.ACTIVE] = own_cell(active_at(record.row));
  server[Own.STAMP] = stamp;
  server[Own.COUNTERS] = counters;
  server[Own.UNTIMED] = 0;
  server[Own.TIMED_AT] = 0;
  server[Own.REPORT_DUE] = 0;
  server[Own.CONNECTIONS] = 0;
  server[Own.DOWN] = server[Own.PARAMETERS].down;
  server[Own.ROUTE] = record.route;
  server[Own.LINE] = line;
  server[Own.SEEN] = 0;
  return server;
}
