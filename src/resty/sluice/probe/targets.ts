import { parse_address } from "../config/address";
import { load_sources } from "../config/load_source";
import { forget_checks } from "../health/active";
import * as clock from "../lib/clock";
import type { FifoEntry } from "../lib/fifo";
import { encode } from "../lib/json";
import type { Destination } from "../net/connection";
import { parse_head, type Document } from "../store/document/document";
import { lines_in, numbers_in, parse_line, type ServerRecord } from "../store/document/line";
import { Row, type RowNumber, UpstreamRow } from "../store/memory/cells";
import { Header } from "../store/memory/header_cells";
import { follow_upstreams, new_follower, type Pause } from "../store/memory/changes";
import { get_text } from "../store/memory/dict";
import { use_rare_cells } from "../store/memory/rare_cells";
import { row_at, shared_memory } from "../store/memory/region";
import { Check as CheckState } from "../store/memory/states";
import { subject_of, type Subject } from "../store/memory/subject";
import { forget_check_failure } from "../store/unproven";
import { due_soon, due_spread, new_schedule, schedule, unschedule, type Turn } from "./due";
import { new_check, type Check } from "./probe";

/** The servers that this worker probes. */

/** A server that this worker probes. */
export interface Target extends Turn, FifoEntry {
  subject: Subject;
  check: Check;
  destination: Destination;
  /** The address of the server's agent; undefined: it has none. */
  agent: Destination | undefined;
  /** True: a probe is in progress. */
  is_busy: boolean;
  /** True: a question to the agent is waiting or in progress. */
  is_asked: boolean;
  /** True: the check was removed or replaced. The result of a probe in progress does not count. */
  is_dropped: boolean;
}

/** An upstream whose servers are probed. */
interface Group {
  name: string;
  /** The revision of the document that was applied last. */
  revision: number;
  /** The settings of the upstream that determine its check, as text, to find changes. */
  config: string;
  check: Check;
  /** The targets by the servers' lines; false: this worker does not probe the server. */
  lines: LuaTable<string, Target | false>;
}

interface NewLine {
  line: string;
  /** Position among all lines, from 0. */
  index: number;
}

const LINES_AT_ONCE = 200;

/** The schedule of this worker's targets. */
export const turns = new_schedule<Target>();
const groups = new LuaTable<string, Group | undefined>();
const follower = new_follower();
let is_start = true;

function is_mine(row: RowNumber): boolean {
  return row % ngx.worker.count() === ngx.worker.id();
}

/** Returns the part of a pool's name that keeps connections apart whose TLS differs. */
function tls_part({ tls, config }: Check): string {
  if (tls === undefined || (config.host === undefined && config.verify === undefined)) return "";
  return ` ${tls.server_name ?? ""} ${tostring(tls.verify)}`;
}

function destination_of(server: ServerRecord, check: Check): Destination {
  const [address] = parse_address(server.server);
  const { type, port } = check.config;
  const host = address?.host ?? "";
  const own_port = address?.port ?? 0;
  const probed_port = own_port === 0 ? 0 : (port ?? own_port);
  return {
    host,
    port: probed_port,
    tls: check.tls,
    pool: {
      pool: `sluice ${server.row} ${server.incarnation} ${type} ${host} ${probed_port}${tls_part(check)}`,
    },
    keepalive_time: check.keepalive_time,
    opened: 0,
  };
}

/** Returns the address of a server's agent. A server at a unix socket has none. */
function agent_of(server: ServerRecord, { config }: Check): Destination | undefined {
  const [address] = parse_address(server.server);
  if (config.agent === undefined || address === undefined || address.port === 0) return undefined;
  const { host } = address;
  const { port } = config.agent;
  const pool = { pool: `sluice agent ${host} ${port}` };
  return { host, port, tls: undefined, pool, keepalive_time: 0, opened: 0 };
}

function new_target({ name, check }: Group, head: Document, server: ServerRecord): Target {
  return {
    subject: subject_of(name, head.row, server),
    check,
    destination: destination_of(server, check),
    agent: agent_of(server, check),
    is_busy: false,
    is_asked: false,
    is_dropped: false,
    ticket: 0,
    interval: check.interval,
    jitter: check.jitter,
    is_scheduled: false,
    key: 0,
    place: 0,
  };
}

/** Returns the time of a new target's first probe: that of the last prober, if there was one. */
function first_due(target: Target, head: Document, index: number, count: number): number {
  const memory = shared_memory();
  use_rare_cells(target.subject.row);
  const at = target.subject.row + Row.PROBE_DUE;
  const noted = memory[at];
  const now = clock.now();
  if (noted !== 0) {
    // The interval may have been shortened.
    memory[at] = math.min(noted, now + target.interval + target.jitter);
    return memory[at];
  }
  // A worker that starts later than nginx may find servers that were added at run time.
  const was_there = target.subject.incarnation <= memory[Header.START_REVISION];
  if (is_start && was_there) return due_spread(now, target.interval, head.row, index, count);
  return due_soon(now, target.interval, index, count);
}

function add_line(group: Group, head: Document, { line, index }: NewLine, count: number): void {
  const [, , row] = numbers_in(line);
  const server = is_mine(row) ? parse_line(line) : undefined;
  if (server === undefined || server.down) {
    group.lines.set(line, false);
    return;
  }
  const target = new_target(group, head, server);
  group.lines.set(line, target);
  schedule(turns, target, first_due(target, head, index, count));
}

/** Updates the targets of a group to the lines of a document. O(servers). */
function apply_lines(group: Group, head: Document, text: string, start: number, pause: Pause): void {
  const before = group.lines;
  group.lines = new LuaTable();
  const added: NewLine[] = [];
  let count = 0;
  for (const [line] of lines_in(text, start)) {
    const known = before.get(line);
    if (known === undefined) added.push({ line, index: count });
    else group.lines.set(line, known);
    count += 1;
  }
  for (const [line, target] of pairs(before)) {
    if (target !== false && !group.lines.has(line)) unschedule(turns, target);
  }
  for (const [number, new_line] of ipairs(added)) {
    if (number % LINES_AT_ONCE === 0 && !pause()) return;
    add_line(group, head, new_line, added.length);
  }
}

function drop(name: string): void {
  const group = groups.get(name);
  if (group === undefined) return;
  for (const [, target] of pairs(group.lines)) {
    if (target !== false) {
      unschedule(turns, target);
      target.is_dropped = true;
    }
  }
  groups.delete(name);
}

/** Ends the effect of earlier checks on the servers of an upstream that is not checked any more. */
function end_checks(name: string, head: Document, text: string, start: number): void {
  const memory = shared_memory();
  for (const [line] of lines_in(text, start)) {
    const [, , row] = numbers_in(line);
    const check: CheckState = memory[row_at(row) + Row.CHECK];
    if (is_mine(row) && check !== CheckState.NONE) {
      forget_checks(subject_of(name, head.row, parse_line(line)), clock.now());
    }
  }
}

function apply_upstream(name: string, pause: Pause): void {
  const text = get_text(name);
  if (text === undefined) {
    drop(name);
    forget_check_failure(name);
    return;
  }
  const [head, start] = parse_head(text);
  const { health_check } = head;
  if (health_check === undefined) {
    if (is_start || shared_memory()[row_at(head.row) + UpstreamRow.WAS_CHECKED] !== 0)
      end_checks(name, head, text, start);
    drop(name);
    forget_check_failure(name);
    return;
  }
  const { method, load, least_load } = head;
  const expiry = load === undefined ? "" : load.expiry;
  const sources = load_sources({ load, least_load }) ?? "";
  const config = encode([health_check, method, expiry, sources]);
  let group = groups.get(name);
  if (group?.revision === head.revision) return;
  if (group?.config !== config) {
    drop(name);
    const check = new_check(name, head.revision, health_check, head);
    group = { name, revision: 0, config, check, lines: new LuaTable() };
    groups.set(name, group);
  }
  group.check.revision = head.revision;
  apply_lines(group, head, text, start, pause);
  group.revision = head.revision;
}

/** Takes over the changes of upstreams since the last call. Phases that can sleep. */
export function follow_changes(pause: Pause): void {
  const look_at = (name: string) => {
    apply_upstream(name, pause);
  };
  if (follow_upstreams(follower, groups, look_at, pause)) is_start = false;
}
