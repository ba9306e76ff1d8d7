import * as clock from "../../lib/clock";
import { parse_head, type Document } from "../../store/document/document";
import type { ServerRecord } from "../../store/document/line";
import { records_in } from "../../store/document/records";
import type { RowNumber } from "../../store/memory/cells";
import { add_departed, departures } from "../../store/memory/departed";
import { get_text } from "../../store/memory/dict";
import { holder_of, Lock } from "../../store/memory/lock";
import { add_totals, TOTALS } from "../../store/memory/totals";
import { STATES } from "../condition";
import { further_label, label } from "./labels";
import { read_server, Value, VALUES } from "./readings";
import { count_in_zone, type ZoneCount, type ZoneCounts } from "./zone_families";

/**
 * The upstreams and servers at the beginning of a scrape, by column: a gateway may have 100,000 servers, and
 * each family shows all of them.
 */

/** Servers by column: the server with index 3 has the labels `labels[3]`. */
export interface Servers {
  rows: RowNumber[];
  incarnations: number[];
  /** Empty if the servers are not shown. */
  labels: string[];
  /** By `Value`; empty if the servers are not shown. */
  values: number[][];
  /** By `Total`; empty if the servers are not shown. */
  totals: number[][];
}

export interface Upstreams {
  names: string[];
  labels: string[];
  /** Their own lines, without the servers. */
  heads: Document[];
  /** The index of the first of their servers, and of the one after the last. */
  first_servers: number[];
  end_servers: number[];
  /** The sums over the servers and those before them, by `Total`. */
  totals: number[][];
  active: number[];
  /** The number of servers in each state of `STATES`. */
  states: number[][];
  /** Numbers of servers: all but standby servers, those in rotation, and those that health keeps out. */
  sizes: number[];
  in_rotation: number[];
  unavailable: number[];
  /** Their zones; absent: the upstream has no `zones`. */
  zones: (ZoneCounts | undefined)[];
}

export interface Snapshot {
  servers: Servers;
  upstreams: Upstreams;
}

const SERVERS_A_STEP = 16;
/** For how long an upstream is read again whose servers change meanwhile, in seconds. */
const PATIENCE_SECONDS = 1;
const RETRY_SECONDS = 0.001;

function new_columns(count: number): number[][] {
  const columns: number[][] = [];
  for (const _ of $range(1, count)) columns.push([]);
  return columns;
}

function new_snapshot(): Snapshot {
  return {
    servers: {
      labels: [],
      rows: [],
      incarnations: [],
      values: new_columns(VALUES),
      totals: new_columns(TOTALS),
    },
    upstreams: {
      names: [],
      labels: [],
      heads: [],
      first_servers: [],
      end_servers: [],
      totals: new_columns(TOTALS),
      active: [],
      states: new_columns(STATES.length),
      sizes: [],
      in_rotation: [],
      unavailable: [],
      zones: [],
    },
  };
}

function push_row({ rows, incarnations }: Servers, record: ServerRecord): number {
  const index = rows.length;
  rows[index] = record.row;
  incarnations[index] = record.incarnation;
  return index;
}

function show_server(
  servers: Servers,
  index: number,
  start: string,
  { server, id }: ServerRecord,
  values: readonly number[],
): void {
  servers.labels[index] = `${start}${further_label("server", server)},id="${string.format("%d", id)}"`;
  for (const value of $range(0, VALUES - 1)) servers.values[value][index] = values[value];
}

/** Begins an upstream. Returns its index. */
function push_upstream(upstreams: Upstreams, name: string, head: Document): number {
  const index = upstreams.names.length;
  upstreams.names[index] = name;
  upstreams.labels[index] = label("upstream", name);
  upstreams.heads[index] = head;
  upstreams.active[index] = 0;
  for (const column of upstreams.states) column[index] = 0;
  upstreams.sizes[index] = 0;
  upstreams.in_rotation[index] = 0;
  upstreams.unavailable[index] = 0;
  return index;
}

function count_server(upstreams: Upstreams, index: number, values: readonly number[]): void {
  upstreams.active[index] = upstreams.active[index] + values[Value.ACTIVE];
  const state = upstreams.states[values[Value.STATE]];
  state[index] = state[index] + 1;
  upstreams.sizes[index] = upstreams.sizes[index] + 1 - values[Value.STANDS_BY];
  upstreams.in_rotation[index] = upstreams.in_rotation[index] + values[Value.IN_ROTATION];
  upstreams.unavailable[index] = upstreams.unavailable[index] + values[Value.UNAVAILABLE];
}

function clear(numbers: number[]): void {
  for (const index of $range(0, TOTALS - 1)) numbers[index] = 0;
}

/** Adds up the counters of an upstream's servers, and stores them if the servers are shown. */
function read_totals(
  { servers, upstreams }: Snapshot,
  index: number,
  per_server: boolean,
  pause: (this: void) => void,
): number[] {
  const sums: number[] = [];
  const totals: number[] = [];
  clear(sums);
  for (const server of $range(upstreams.first_servers[index], upstreams.end_servers[index] - 1)) {
    clear(totals);
    add_totals(totals, servers.rows[server], servers.incarnations[server]);
    for (const total of $range(0, TOTALS - 1)) {
      sums[total] = sums[total] + totals[total];
      if (per_server) servers.totals[total][server] = totals[total];
    }
    if (server % SERVERS_A_STEP === 0) pause();
  }
  const { row, leavers } = upstreams.heads[index];
  for (const leaver of leavers) add_totals(sums, leaver.row, leaver.incarnation);
  add_departed(sums, row);
  return sums;
}

/**
 * Calls `read` again while servers give up their rows, so that it counts each of them once. A writer that is
 * interrupted meanwhile is waited for, unless it has died. Phases that can sleep.
 */
export function read_consistently<T>(row: RowNumber, read: (this: void) => T): T {
  const deadline = clock.now() + PATIENCE_SECONDS;
  let before = departures(row);
  let result = read();
  while ((before % 2 === 1 || departures(row) !== before) && clock.now() < deadline) {
    const is_moving = departures(row) % 2 === 1;
    if (is_moving && holder_of(Lock.WRITE) === 0 && departures(row) === before) return result;
    if (is_moving) ngx.sleep(RETRY_SECONDS);
    before = departures(row);
    result = read();
  }
  return result;
}

/**
 * Reads upstreams and their servers. Phases that can sleep.
 *
 * @param per_server false: the servers are summed up and left out
 */
export function take_snapshot(
  names: readonly string[],
  per_server: boolean,
  pause: (this: void) => void,
): Snapshot {
  const snapshot = new_snapshot();
  const { servers, upstreams } = snapshot;
  const values: number[] = [];
  let count = 0;
  for (const name of names) {
    const text = get_text(name);
    if (text !== undefined) {
      const [head, start] = parse_head(text);
      const index = push_upstream(upstreams, name, head);
      const labels = upstreams.labels[index];
      upstreams.first_servers[index] = servers.rows.length;
      const now = clock.now();
      const zones = head.zones === undefined ? undefined : new LuaTable<string, ZoneCount | undefined>();
      if (zones !== undefined) upstreams.zones[index] = zones;
      for (const record of records_in(text, start)) {
        read_server(values, record, head, now);
        count_server(upstreams, index, values);
        if (zones !== undefined) count_in_zone(zones, head, record, values, now);
        const server = push_row(servers, record);
        if (per_server) show_server(servers, server, labels, record, values);
        count += 1;
        if (count % SERVERS_A_STEP === 0) pause();
      }
      upstreams.end_servers[index] = servers.rows.length;
      const sums = read_consistently(head.row, () => read_totals(snapshot, index, per_server, pause));
      for (const total of $range(0, TOTALS - 1)) upstreams.totals[total][index] = sums[total];
    }
    pause();
  }
  return snapshot;
}
