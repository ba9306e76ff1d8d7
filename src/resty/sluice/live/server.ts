import type { Peer } from "../balancer/method";
import { parse_address } from "../config/address";
import type { ServerRecord } from "../store/document";
import { row_at } from "../store/region";
import { adopt } from "./counters";

/** A server as this worker runs it. It stays the same object while its incarnation lives, whatever else changes. */
export interface LiveServer extends Peer {
  id: number;
  incarnation: number;
  /** What `set_current_peer` takes. */
  host: string;
  port: number;
  backup: boolean;
  /** False: down or draining, not in the rotation. */
  in_rotation: boolean;
  /** Where its shared cells are. */
  row: number;
  /** Where this worker has noted whose the counters are. */
  stamp: number;
  /** Where this worker's counters of it are. */
  counters: number;
  /** How many of this worker's requests have not gone into the averages of times since one did, and when that was. */
  untimed: number;
  timed_at: number;
  /** Its line in the document that was applied last. */
  line: string;
  /** The revision of that document. */
  seen: number;
}

/** Makes a live server and its counters. */
export function new_server(record: ServerRecord, line: string): LiveServer {
  const [address] = parse_address(record.server);
  const [stamp, counters] = adopt(record.row, record.incarnation);
  return {
    id: record.id,
    incarnation: record.incarnation,
    host: address?.host ?? "",
    port: address?.port ?? 0,
    weight: record.weight,
    backup: record.backup,
    in_rotation: !record.down && !record.drain,
    row: row_at(record.row),
    stamp,
    counters,
    untimed: 0,
    timed_at: 0,
    line,
    seen: 0,
  };
}
