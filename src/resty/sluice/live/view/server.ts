import { ADAPTIVE } from "../../config/adaptive_limit";
import { parse_address } from "../../config/address";
import { is_standing_by, may_serve, serves_nobody } from "../../config/server";
import { seconds_of } from "../../config/time";
import type { ServerRecord } from "../../store/document/line";
import { limit_now } from "../../store/memory/limit";
import { active_at, begun_at, row_at, times_of } from "../../store/memory/region";
import { adopt, own_cell } from "./counters";
import type { LiveUpstream, LiveServer } from "./model";

export function new_server(upstream: LiveUpstream, record: ServerRecord, line: string): LiveServer {
  const [address] = parse_address(record.server);
  const [stamp, counters] = adopt(record.row, record.incarnation);
  return {
    upstream,
    upstream_name: upstream.name,
    upstream_row: upstream.row,
    method: upstream.primary,
    id: record.id,
    incarnation: record.incarnation,
    server: record.server,
    host: address?.host ?? "",
    port: address?.port ?? 0,
    name: address?.name ?? "",
    zone: record.zone,
    weight: record.weight,
    configured_weight: record.weight,
    max_conns: limit_now(record, record.row, upstream.limit_bounds),
    is_adaptive: record.max_conns === ADAPTIVE,
    slow_start: seconds_of(record.slow_start),
    backup: record.backup,
    down: serves_nobody(record),
    in_rotation: may_serve(record),
    may_serve: may_serve(record),
    configured_down: serves_nobody(record),
    stands_by: is_standing_by(record),
    route: record.route,
    row_number: record.row,
    row: row_at(record.row),
    active: active_at(record.row),
    own_active: own_cell(active_at(record.row)),
    begun: begun_at(record.row),
    own_begun: own_cell(begun_at(record.row)),
    stamp,
    counters,
    times: times_of(counters),
    report_due: 0,
    untimed: 0,
    timed_at: 0,
    connections: 0,
    line,
    seen: 0,
  };
}
