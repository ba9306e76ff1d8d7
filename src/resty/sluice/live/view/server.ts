import type { Method, Peer } from "../../balancer/method";
import { parse_address } from "../../config/address";
import { is_standing_by, may_serve, serves_nobody } from "../../config/server";
import { seconds_of } from "../../config/time";
import type { Subject } from "../../health/subject";
import type { ServerRecord } from "../../store/document/document";
import { active_at, begun_at, row_at } from "../../store/memory/region";
import { adopt, own_cell } from "./counters";
import type { LiveUpstream } from "./upstream";

/** A server as this worker runs it. It stays the same object while its incarnation lives, whatever else changes. */
export interface LiveServer extends Peer, Subject {
  upstream: LiveUpstream;
  /** What it takes part in. */
  method: Method;
  /** What `set_current_peer` takes. */
  host: string;
  port: number;
  /** Its address as nginx writes it in `$upstream_addr`. */
  name: string;
  backup: boolean;
  /** True: gets not even the requests that are bound to it. */
  down: boolean;
  /** What its parameters say of `in_rotation` and `down`: what it reports may say otherwise. */
  may_serve: boolean;
  configured_down: boolean;
  /** True: it is not one of the servers that there are for now, only known. */
  stands_by: boolean;
  /** What `sticky.route` knows it by. */
  route: string;
  /** At most so many requests under way; 0: any number. */
  max_conns: number;
  /** `weight` differs from this while `slow_start` raises it, and by the server's load. */
  configured_weight: number;
  /** Seconds. */
  slow_start: number;
  /** The number of its row. */
  row_number: number;
  /** Where the requests under way at it stand, those of all workers, and where this worker's are. */
  active: number;
  own_active: number;
  /** The same of the sums of their beginnings. */
  begun: number;
  own_begun: number;
  /** Where this worker has noted whose the counters are. */
  stamp: number;
  /** Where this worker's counters of it are. */
  counters: number;
  /** When this worker looks for a report in a response next, by the monotonic clock. */
  report_due: number;
  /** How many of this worker's requests have not gone into the averages of times since one did, and when that was. */
  untimed: number;
  timed_at: number;
  /** At most so many connections to it does this worker's nginx keep or use; only where `live/kept.ts` counts them. */
  connections: number;
  /** Its line in the document that was applied last. */
  line: string;
  /** The revision of that document. */
  seen: number;
}

/** Makes a live server and its counters. */
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
    weight: record.weight,
    configured_weight: record.weight,
    max_conns: record.max_conns,
    max_fails: record.max_fails,
    slow_start: seconds_of(record.slow_start),
    backup: record.backup,
    down: serves_nobody(record),
    in_rotation: may_serve(record),
    may_serve: may_serve(record),
    configured_down: serves_nobody(record),
    stands_by: is_standing_by(record),
    route: record.route,
    fail_timeout: seconds_of(record.fail_timeout),
    row_number: record.row,
    row: row_at(record.row),
    active: active_at(record.row),
    own_active: own_cell(active_at(record.row)),
    begun: begun_at(record.row),
    own_begun: own_cell(begun_at(record.row)),
    stamp,
    counters,
    report_due: 0,
    untimed: 0,
    timed_at: 0,
    connections: 0,
    line,
    seen: 0,
  };
}
