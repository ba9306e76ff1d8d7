import type { AutoscaleConfig } from "../config/autoscale";
import type { LoadConfig } from "../config/load";
import { is_standing_by, may_serve } from "../config/server";
import { parse_head, type Call, type Document, type Scaling } from "../store/document/document";
import { lines_in, parse_line } from "../store/document/line";
import { type Cell, Row, type RowNumber, UpstreamRow } from "../store/memory/cells";
import { follow_upstreams, new_follower, type Pause } from "../store/memory/changes";
import { get_text } from "../store/memory/dict";
import { load_factor } from "../store/memory/factor";
import { has_rare_cells, rare_cells_of } from "../store/memory/rare_cells";
import { is_present, row_at, shared_memory, stamp_of } from "../store/memory/region";
import type { Home, Subject } from "../store/memory/subject";
import { load_reports } from "../store/source_status";
import type { LoadedServer } from "./load";

/** The upstreams with `load`, `autoscale` or a webhook call that is due. One worker controls them. */

/** A server of a controlled upstream. */
export interface ControlledServer extends Subject, LoadedServer {
  /** The number of the server's row. */
  row_number: RowNumber;
  node: string | undefined;
  backup: boolean;
  /** True: the server's parameters allow requests. */
  may_serve: boolean;
  /** True: the server may be brought into service; only `standby` keeps it out. */
  stands_by: boolean;
  /** True: the standby server is in service. */
  in_service: boolean;
  /** Number of requests completed at a time, by the monotonic clock; 0: not measured yet. */
  completed: number;
  completed_at: number;
}

/** This worker's memory of an upstream, which is kept when the upstream changes. */
export interface Memo {
  /** When the next update of the weights is due, by the monotonic clock. */
  update_due: number;
  /** The earliest time of the next decision after one that failed, by the monotonic clock. */
  decision_due: number;
  is_deciding: boolean;
  is_calling: boolean;
  /** Number of failed calls since the last one that was answered. */
  failures: number;
  /** Until when no other gateway can have made a decision, by the monotonic clock; 0: not known. */
  sure_until: number;
  /** The last decision that could not be carried out, so that it is recorded once. */
  recorded_obstacle: string;
}

export interface Controlled {
  name: string;
  /** The upstream's cells in shared memory. A writer of them verifies by `is_present` that they still are. */
  row: Cell;
  incarnation: number;
  load: LoadConfig | undefined;
  autoscale: AutoscaleConfig | undefined;
  scaling: Scaling | undefined;
  call: Call | undefined;
  servers: ControlledServer[];
  /** The servers by their lines, which contain all of their parameters. */
  lines: LuaTable<string, ControlledServer | undefined>;
  memo: Memo;
}

const LINES_AT_ONCE = 500;

export const controlled = new LuaTable<string, Controlled | undefined>();
const follower = new_follower();

function new_server(upstream: Home, line: string): ControlledServer {
  const record = parse_line(line);
  const row = row_at(record.row);
  return {
    upstream,
    server: record.server,
    id: record.id,
    incarnation: record.incarnation,
    row,
    row_number: record.row,
    node: record.node?.name,
    backup: record.backup,
    may_serve: may_serve(record),
    stands_by: is_standing_by(record) && !record.down && !record.drain,
    in_service: record.in_service === true,
    completed: 0,
    completed_at: 0,
    configured_weight: record.weight,
    reported_at: 0,
    reporting_since: 0,
    utilization: -1,
    rps: -1,
    eps: -1,
    measured_rps: 0,
    factor: load_factor(row),
    reason: shared_memory()[rare_cells_of(row) + Row.FACTOR_REASON],
  };
}

/** Returns the memo of an upstream about which nothing is known yet. */
export function new_memo(): Memo {
  return {
    update_due: 0,
    decision_due: 0,
    is_deciding: false,
    is_calling: false,
    failures: 0,
    sure_until: 0,
    recorded_obstacle: "",
  };
}

/** Makes the server of a new line. A server whose line has changed keeps its measurements. */
function changed_server(
  upstream: Controlled,
  line: string,
  before: Controlled | undefined,
): ControlledServer {
  const server = new_server(upstream, line);
  const place = upstream.servers.length;
  // A changed server usually keeps its position.
  const same = before?.servers[place];
  if (same?.row === server.row && same.incarnation === server.incarnation) {
    server.completed = same.completed;
    server.completed_at = same.completed_at;
  }
  return server;
}

/** Reads the servers' lines. O(servers), with little work for an unchanged server. */
function read_servers(
  upstream: Controlled,
  text: string,
  start: number,
  before: Controlled | undefined,
  pause: Pause,
): void {
  let made = 0;
  for (const [line] of lines_in(text, start)) {
    let server = before?.lines.get(line);
    if (server === undefined) {
      server = changed_server(upstream, line, before);
      made += 1;
      if (made % LINES_AT_ONCE === 0) pause();
    }
    upstream.servers.push(server);
    upstream.lines.set(line, server);
  }
}

/** Clears the notes of `load` and `autoscale` when these were removed. */
function end_control({ name, row, servers }: Controlled, head: Document | undefined): void {
  const memory = shared_memory();
  if (head?.autoscale === undefined) {
    memory[row + UpstreamRow.HIGH_SINCE] = 0;
    memory[row + UpstreamRow.LOW_SINCE] = 0;
  }
  if (head?.load !== undefined) return;
  load_reports.forget(name);
  for (const server of servers) {
    if (is_present(server) && has_rare_cells(server.row)) memory[server.row + Row.FACTOR] = 0;
  }
}

function look_at(name: string, pause: Pause): void {
  const text = get_text(name);
  const before = controlled.get(name);
  if (text === undefined) {
    load_reports.forget(name);
    controlled.delete(name);
    return;
  }
  const [head, start] = parse_head(text);
  const is_same = before?.row === row_at(head.row);
  if (is_same) end_control(before, head);
  // An upstream with a call but without a webhook is kept, so that its call is removed.
  if ((head.load ?? head.autoscale ?? head.call) === undefined) {
    controlled.delete(name);
    return;
  }
  const upstream: Controlled = {
    name,
    row: row_at(head.row),
    incarnation: stamp_of(head.row),
    load: head.load,
    autoscale: head.autoscale,
    scaling: head.scaling,
    call: head.call,
    servers: [],
    lines: new LuaTable(),
    memo: is_same ? before.memo : new_memo(),
  };
  read_servers(upstream, text, start, is_same ? before : undefined, pause);
  controlled.set(name, upstream);
}

/** Takes over the changes of upstreams since the last call. Phases that can sleep. */
export function follow_controlled(pause: Pause): void {
  const look = (name: string) => {
    look_at(name, pause);
  };
  follow_upstreams(follower, controlled, look, pause);
}
