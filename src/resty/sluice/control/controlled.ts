import type { AutoscaleConfig } from "../config/autoscale";
import type { LoadConfig } from "../config/load";
import { is_standing_by, may_serve } from "../config/server";
import { Row } from "../store/cells";
import { new_follower, next_changes } from "../store/changes";
import { get_text } from "../store/dict";
import { parse_head, parse_line, type Call, type Document, type Scaling } from "../store/document";
import { row_at, shared_memory } from "../store/region";
import { load_factor } from "./factor";
import type { Reporter } from "./reported";
import type { LoadedServer } from "./weights";

/** The upstreams with `load` or `autoscale`, or a call left over from that, as the worker that controls them knows them. */

/** A server of one. */
export interface ControlledServer extends Reporter, LoadedServer {
  /** The number of its row. */
  row_number: number;
  node: string | undefined;
  backup: boolean;
  /** Whether its parameters let it have requests. */
  may_serve: boolean;
  /** Whether it may be brought in: nothing but its standing by keeps it out. */
  stands_by: boolean;
  /** Whether it has been brought in. */
  in_service: boolean;
  /** How many requests it had answered at a time, in seconds since 1970; 0: not looked at yet. */
  completed: number;
  completed_at: number;
}

/** An upstream. */
export interface Controlled {
  name: string;
  /** Of the document that it was read from. */
  revision: number;
  /** Where its shared cells are. */
  row: number;
  load: LoadConfig | undefined;
  autoscale: AutoscaleConfig | undefined;
  scaling: Scaling | undefined;
  call: Call | undefined;
  servers: ControlledServer[];
  /** When its weights are due, in seconds since 1970. */
  update_due: number;
}

/** Lets other work go on. */
export type Pause = (this: void) => void;

const NAMES_AT_ONCE = 50;

export const controlled = new LuaTable<string, Controlled>();
const follower = new_follower();

function new_server(name: string, upstream_row: number, line: string): ControlledServer {
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

/** The servers of a document, those that were there before with what has been measured of them. */
function servers_of(
  name: string,
  head: Document,
  text: string,
  start: number,
  before: readonly ControlledServer[],
): ControlledServer[] {
  const known = new LuaTable<number, ControlledServer>();
  for (const server of before) known.set(server.row, server);
  const servers: ControlledServer[] = [];
  for (const [line] of string.gmatch(string.sub(text, start), "[^\n]+")) {
    const server = new_server(name, row_at(head.row), line);
    const same = known.get(server.row) as ControlledServer | undefined;
    if (same?.incarnation === server.incarnation) {
      server.completed = same.completed;
      server.completed_at = same.completed_at;
    }
    servers.push(server);
  }
  return servers;
}

/** Has servers begin with their configured weights when there is `load` again. */
function forget_factors({ servers }: Controlled): void {
  const memory = shared_memory();
  for (const { row, incarnation } of servers) {
    if (memory[row + Row.STAMP] === incarnation) {
      memory[row + Row.FACTOR] = 0;
      memory[row + Row.FACTOR_REASON] = 0;
    }
  }
}

function look_at(name: string): void {
  const text = get_text(name);
  if (text === undefined) {
    controlled.delete(name);
    return;
  }
  const [head, start] = parse_head(text);
  const before = controlled.get(name) as Controlled | undefined;
  if (before?.load !== undefined && head.load === undefined) forget_factors(before);
  // A call whose webhook is gone is to be forgotten: else it would be made when there is one again.
  if ((head.load ?? head.autoscale ?? head.call) === undefined) {
    controlled.delete(name);
    return;
  }
  const row = row_at(head.row);
  const is_same = before?.row === row;
  controlled.set(name, {
    name,
    revision: head.revision,
    row,
    load: head.load,
    autoscale: head.autoscale,
    scaling: head.scaling,
    call: head.call,
    servers: servers_of(name, head, text, start, is_same ? before.servers : []),
    update_due: is_same ? before.update_due : 0,
  });
}

/** Follows what has changed since the last call. Phases that can sleep. `pause` is called now and then when there is much. */
export function follow_controlled(pause: Pause): void {
  const [names, are_all] = next_changes(follower);
  if (names === undefined) return;
  if (are_all) {
    const there = new LuaSet<string>();
    for (const name of names) there.add(name);
    for (const [name] of pairs(controlled)) {
      if (!there.has(name)) controlled.delete(name);
    }
  }
  for (const [number, name] of ipairs(names)) {
    if (number % NAMES_AT_ONCE === 0) pause();
    look_at(name);
  }
}

/** Has the next call of `follow_controlled` look at all upstreams: for after one that failed. */
export function follow_anew(): void {
  follower.revision = -1;
}
