import type { LoadSources } from "../config/load_source";
import { read_header_report, variable_in } from "../health/header_report";
import { parse_load_metrics } from "../health/orca";
import type { Report } from "../health/report";
import { count_bad_report, note_report } from "../health/reported";
import * as clock from "../lib/clock";
import type { Destination } from "../net/connection";
import { request, type Answer } from "../net/request";
import { row_number_of } from "../store/memory/region";
import { is_healthy } from "./view/availability";
import { probed_upstreams } from "./view/load_probe";
import { type LiveUpstream, type LoadProbe, Own, type ProbedServer } from "./view/model";

/**
 * Asks servers for their load beside the requests, for `least_load`. A probe that fails has no effect: the
 * last report counts less and less.
 */

/** Limits of the probes of a worker: those in progress, and those of an upstream that begin in one round. */
const MOST_AT_ONCE = 64;
const MOST_IN_A_ROUND = 32;
/** Limit of the servers that are drawn in one round, because those that may not be asked are passed over. */
const MOST_DRAWS = 1000;
/** Limit of the part of a body that is read, in bytes. */
const LARGEST_BODY = 65536;
const KEEPALIVE_SECONDS = 60;

let in_progress = 0;

function destination_of(server: ProbedServer["server"]): Destination {
  const { row, incarnation } = server;
  const host = server[Own.HOST];
  const port = server[Own.PORT];
  return {
    host,
    port,
    tls: undefined,
    pool: { pool: `sluice load ${row_number_of(row)} ${incarnation} ${host} ${port}` },
    keepalive_time: KEEPALIVE_SECONDS,
    opened: 0,
  };
}

/** Lists the servers of an upstream after a change. */
function list_servers(upstream: LiveUpstream, probe: LoadProbe): void {
  probe.revision = upstream.revision;
  probe.servers = [];
  probe.next = 0;
  for (const [, server] of pairs(upstream.servers))
    probe.servers.push({ server, destination: undefined, is_asked: false });
}

/** Draws a server, each one once before any one is drawn again. */
function draw(probe: LoadProbe): ProbedServer {
  const { servers } = probe;
  if (probe.next >= servers.length) probe.next = 0;
  const place = probe.next + math.floor(math.random() * (servers.length - probe.next));
  const drawn = servers[place];
  servers[place] = servers[probe.next];
  servers[probe.next] = drawn;
  probe.next += 1;
  return drawn;
}

/**
 * Draws a server that can have requests, and whose last answer is not awaited: one that hangs would soon take
 * all the probes that the limits allow.
 *
 * @param most limit of the draws
 * @returns the server, if there is one, and the number of draws
 */
function draw_available(
  probe: LoadProbe,
  most: number,
  now: number,
): LuaMultiReturn<[ProbedServer | undefined, number]> {
  const draws = math.min(most, probe.servers.length);
  for (const number of $range(1, draws)) {
    const drawn = draw(probe);
    const { server, is_asked } = drawn;
    if (!is_asked && server.in_rotation && is_healthy(server, now)) return $multi(drawn, number);
  }
  return $multi(undefined, draws);
}

/** Returns the report in an answer; undefined: none that is valid. */
function report_in({ headers }: Answer, sources: LoadSources): Report | undefined {
  const [report] = read_header_report(sources, variable_in(headers));
  const metrics = headers["endpoint-load-metrics"];
  if (report !== undefined || metrics === undefined) return report;
  const [parsed] = parse_load_metrics(metrics, sources);
  return parsed;
}

function ask(this: void, probe: LoadProbe, asked: ProbedServer): void {
  const { text, timeout, sources } = probe;
  const { server } = asked;
  const destination = asked.destination ?? destination_of(server);
  asked.destination = destination;
  const [answer] = request(destination, text, timeout, LARGEST_BODY, timeout, "nothing");
  if (answer === undefined || answer.status < 200 || answer.status > 299) return;
  const report = report_in(answer, sources);
  if (report === undefined) count_bad_report(server);
  else note_report(server, report, server.upstream.report_expiry, clock.now());
}

function ask_and_end(this: void, probe: LoadProbe, asked: ProbedServer): void {
  const [returned, failure] = pcall(ask, probe, asked);
  in_progress -= 1;
  asked.is_asked = false;
  if (!returned) ngx.log(ngx.ERR, `sluice: could not probe the load: ${tostring(failure)}`);
}

/** Starts the probes that are due. Those that the limits do not allow wait, at most one round's. */
function start_due(upstream: LiveUpstream, probe: LoadProbe, now: number): void {
  probe.due = math.min(MOST_IN_A_ROUND, probe.due + upstream.answers * probe.per_request);
  upstream.answers = 0;
  if (probe.revision !== upstream.revision) list_servers(upstream, probe);
  let draws_left = MOST_DRAWS;
  while (probe.due >= 1 && in_progress < MOST_AT_ONCE) {
    const [drawn, draws] = draw_available(probe, draws_left, now);
    if (drawn === undefined) return;
    draws_left -= draws;
    probe.due -= 1;
    in_progress += 1;
    drawn.is_asked = true;
    ngx.thread.spawn(ask_and_end, probe, drawn);
  }
}

/** Asks for the loads for which requests have ended since the last call. Phase: timer. */
export function probe_loads(this: void): void {
  const now = clock.now();
  for (const upstream of probed_upstreams())
    if (upstream.load_probe !== undefined) start_due(upstream, upstream.load_probe, now);
}
