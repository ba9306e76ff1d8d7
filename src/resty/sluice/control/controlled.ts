import type { AutoscaleConfig } from "../config/autoscale";
import type { LoadConfig } from "../config/load";
import { is_standing_by, may_serve } from "../config/server";
import type { Reporter } from "../health/reported";
import { parse_head, parse_line, type Call, type Document, type Scaling } from "../store/document/document";
import { type Cell, Row, type RowNumber, UpstreamRow } from "../store/memory/cells";
import { follow_upstreams, new_follower, type Pause } from "../store/memory/changes";
import { get_text } from "../store/memory/dict";
import { load_factor } from "../store/memory/factor";
import { row_at, shared_memory } from "../store/memory/region";
import { forget_load_report } from "../store/source_status";
import type { LoadedServer } from "./load";

/** The upstreams with `load` or `autoscale`, or a call left over from that, as the worker that controls them knows them. */

/** A server of one. */
export interface ControlledServer extends Reporter, LoadedServer {
  /** The number of its row. */
  row_number: RowNumber;
  node: string | undefined;
  backup: boolean;
  /** Whether its parameters let it have requests. */
  may_serve: boolean;
  /** Whether it may be brought in: nothing but its standing by keeps it out. */
  stands_by: boolean;
  /** Whether it has been brought in. */
  in_service: boolean;
  /** How many requests it had answered at a time, by the monotonic clock; 0: not looked at yet. */
  completed: number;
  completed_at: number;
}

/** What this worker remembers of an upstream, whatever else changes. */
export interface Memo {
  /** When its weights are due, and when it is decided on next after a decision that failed, by the monotonic clock. */
  update_due: number;
  decision_due: number;
  is_deciding: boolean;
  is_calling: boolean;
  /** The call that was answered last, and how often one has been in vain since then. */
  answered: string;
  failures: number;
  /**
   * Until when no other gateway can have decided anew, as far as this worker knows, by the monotonic clock;
   * 0: never.
   */
  sure_until: number;
  /** What was said of the decisions that nothing came of, so that it is said once. */
  said: string;
}

/** An upstream. */
export interface Controlled {
  name: string;
  /** Where its shared cells are. */
  row: Cell;
  load: LoadConfig | undefined;
  autoscale: AutoscaleConfig | undefined;
  scaling: Scaling | undefined;
  call: Call | undefined;
  servers: ControlledServer[];
  /** The servers by their lines, which tell all of their parameters. */
  lines: LuaTable<string, ControlledServer | undefined>;
  memo: Memo;
}

const LINES_AT_ONCE = 500;

export const controlled = new LuaTable<string, Controlled | undefined>();
const follower = new_follower();

function new_server(name: string, upstream_row: Cell, line: string): ControlledServer {
  const record = parse_line(line);
  const row = row_at(record.row);
  return {
    upstream_name: name,
    server: record.server,
    id: record.id,
    incarnation: record.incarnation,
    row,
    upstream_row,
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
    reason: shared_memory()[row + Row.FACTOR_REASON],
  };
}

function new_memo(): Memo {
  return {
    update_due: 0,
    decision_due: 0,
    is_deciding: false,
    is_calling: false,
    answered: "",
    failures: 0,
    sure_until: 0,
    said: "",
  };
}

/** A server of a line that was not there before, with what has been measured of it under another one. */
function changed_server(
  { name, row, servers }: Controlled,
  line: string,
  before: Controlled | undefined,
): ControlledServer {
  const server = new_server(name, row, line);
  const place = servers.length;
  // Whoever has changed is mostly where it was.
  const same = before?.servers[place];
  if (same?.row === server.row && same.incarnation === server.incarnation) {
    server.completed = same.completed;
    server.completed_at = same.completed_at;
  }
  return server;
}

/** Reads the servers' lines. O(servers), little one that stays. */
function read_servers(
  upstream: Controlled,
  text: string,
  start: number,
  before: Controlled | undefined,
  pause: Pause,
): void {
  let made = 0;
  for (const [line] of string.gmatch(string.sub(text, start), "[^\n]+")) {
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

/** Forgets what `load` and `autoscale` have noted, once they are off: they may come back in other times. */
function end_control({ name, row, servers }: Controlled, head: Document | undefined): void {
  const memory = shared_memory();
  if (head?.autoscale === undefined) {
    memory[row + UpstreamRow.HIGH_SINCE] = 0;
    memory[row + UpstreamRow.LOW_SINCE] = 0;
  }
  if (head?.load !== undefined) return;
  forget_load_report(name);
  for (const server of servers) {
    if (memory[server.row + Row.STAMP] === server.incarnation) memory[server.row + Row.FACTOR] = 0;
  }
}

function look_at(name: string, pause: Pause): void {
  const text = get_text(name);
  const before = controlled.get(name);
  if (text === undefined) {
    forget_load_report(name);
    controlled.delete(name);
    return;
  }
  const [head, start] = parse_head(text);
  const is_same = before?.row === row_at(head.row);
  if (is_same) end_control(before, head);
  // A call whose webhook is gone is to be forgotten: else it would be made when there is one again.
  if ((head.load ?? head.autoscale ?? head.call) === undefined) {
    controlled.delete(name);
    return;
  }
  const upstream: Controlled = {
    name,
    row: row_at(head.row),
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

/** Follows what has changed since the last call. Phases that can sleep. `pause` is called now and then when there is much. */
export function follow_controlled(pause: Pause): void {
  const look = (name: string) => {
    look_at(name, pause);
  };
  follow_upstreams(follower, controlled, look, pause);
}
