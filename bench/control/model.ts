import type { LoadedServer } from "../../src/resty/sluice/control/load";

/** A model of servers behind a gateway, in steps of one second. */

/** A server's report of one second; -1: not reported. */
export interface Report {
  utilization: number;
  rps: number;
  eps: number;
}

/** Falsifies a report. undefined: the report is refused or does not arrive. */
export type Lie = (this: void, truth: Report, second: number) => Report | undefined;

/** How reports are made and how they arrive. */
export interface Reporting {
  /** Random error of utilization and of requests, up or down, as a fraction. */
  noise: number;
  request_noise: number;
  /** Upper bound of a report's random delay in seconds, and the fraction of reports that never arrive. */
  delay: number;
  loss: number;
  /** Number of seconds over which a server averages its utilization. */
  average: number;
  /** False: servers do not report requests, and the gateway's own count is used. */
  counts: boolean;
  /** True: a utilization above 1 is reported as it is. */
  exceeds: boolean;
}

export interface SimulatedServer extends LoadedServer {
  /**
   * Requests per second that the server can serve. `capacity` is what `balance_loads` derives from reports.
   */
  most_rps: number;
  lie: Lie | undefined;
  /** The fraction of a request that the server is owed. */
  due: number;
  /** Number of waiting requests. */
  backlog: number;
  /** Utilizations, the latest last. */
  utilizations: number[];
  /** Reports in transit, by the second of arrival. */
  under_way: LuaTable<number, Report>;
}

/** Upper bound of the waiting work in seconds; requests beyond it fail. */
const LONGEST_QUEUE = 1;

export function new_server(most_rps: number): SimulatedServer {
  return {
    configured_weight: 1,
    reported_at: 0,
    reporting_since: 0,
    utilization: -1,
    rps: -1,
    eps: -1,
    measured_rps: 0,
    factor: 1,
    reason: 0,
    most_rps,
    lie: undefined,
    due: 0,
    backlog: 0,
    utilizations: [],
    under_way: new LuaTable(),
  };
}

export function total_weight(servers: readonly SimulatedServer[]): number {
  let total = 0;
  for (const server of servers) total += server.configured_weight * server.factor;
  return total;
}

/** Returns a random number between 1 - `range` and 1 + `range`. */
function about_one(range: number): number {
  return 1 + (2 * math.random() - 1) * range;
}

function averaged(server: SimulatedServer, utilization: number, seconds: number): number {
  server.utilizations.push(utilization);
  if (server.utilizations.length > seconds) table.remove(server.utilizations, 1);
  let sum = 0;
  for (const one of server.utilizations) sum += one;
  return sum / server.utilizations.length;
}

/** Lets a server work for one second and returns its true report. */
function work(server: SimulatedServer, requests: number, reporting: Reporting): Report {
  const demand = server.backlog + requests;
  const served = math.min(demand, server.most_rps);
  server.backlog = math.min(demand - served, server.most_rps * LONGEST_QUEUE);
  const failed = demand - served - server.backlog;
  server.measured_rps = served + failed;
  const load = demand / server.most_rps;
  const utilization = averaged(server, reporting.exceeds ? load : math.min(1, load), reporting.average);
  return {
    utilization: utilization * about_one(reporting.noise),
    rps: reporting.counts ? (served + failed) * about_one(reporting.request_noise) : -1,
    eps: failed,
  };
}

function send(
  server: SimulatedServer,
  report: Report | undefined,
  second: number,
  reporting: Reporting,
): void {
  if (report === undefined || math.random() < reporting.loss) return;
  server.under_way.set(second + math.random(0, reporting.delay), report);
}

function receive(server: SimulatedServer, second: number): void {
  const report = server.under_way.get(second) as Report | undefined;
  if (report === undefined) return;
  server.under_way.delete(second);
  if (server.reported_at === 0) server.reporting_since = second;
  server.reported_at = second;
  server.utilization = report.utilization;
  server.rps = report.rps;
  server.eps = report.eps;
}

/** Simulates one second: divides requests by weight, lets servers work and report, delivers reports. */
export function pass_second(
  servers: readonly SimulatedServer[],
  requests: number,
  second: number,
  reporting: Reporting,
  are_silent: boolean,
): void {
  const total = total_weight(servers);
  for (const server of servers) {
    server.due += (requests * server.configured_weight * server.factor) / total;
    const whole = math.floor(server.due);
    server.due -= whole;
    const truth = work(server, whole, reporting);
    const said = server.lie === undefined ? truth : server.lie(truth, second);
    if (!are_silent) send(server, said, second, reporting);
    receive(server, second);
  }
}
