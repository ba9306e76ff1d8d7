import { source_of } from "../../config/discovery";
import { picks_of_minute } from "../../control/picks";
import type * as clock from "../../lib/clock";
import { encode, record } from "../../lib/json";
import type { Document } from "../../store/document/document";
import type { ServerRecord } from "../../store/document/line";
import { for_each_record } from "../../store/document/records";
import { Row } from "../../store/memory/cells";
import { row_at, shared_memory } from "../../store/memory/region";
import { status_of, type ServerStatus } from "../../store/memory/statistics";
import { add_times, clear_times, new_times } from "../../store/memory/times";
import { load_reports, type LoadReport } from "../../store/source_status";
import { report_object, weight_object } from "../load_objects";
import { doubt_about } from "../problems";
import { check_object, explained_state, since_of } from "../state_text";
import { times_object } from "./times";

/** The servers in the status of an upstream. */

const server_record = record(`
  id server node origin backup down drain standby in_service drain_job drain_deadline
  state reason since weight picks picks_percent active max_conns
  requests responses fails unanswered sent received header_time response_time
  check report report_age
`);
const responses_record = record("1xx 2xx 3xx 4xx 5xx");

const times = new_times();

/** What all servers of an upstream have in common. */
interface Common {
  document: Document;
  /** Where the servers come from that were not added by hand. */
  source: string | undefined;
  loads: LoadReport | undefined;
  now: clock.Moment;
  /** The picks of all servers in the last minute. */
  all_picks: number;
}

function responses_object({ codes }: ServerStatus): object {
  const responses: Record<string, number | undefined> = {};
  for (const [code, count] of pairs(codes)) {
    const its_class = string.format("%dxx", math.floor(code / 100));
    if (count !== 0) responses[its_class] = (responses[its_class] ?? 0) + count;
  }
  return responses_record(responses);
}

function origin_of({ source }: ServerRecord, common: Common): string {
  if (source === "") return "hand";
  return source === "register" ? source : (common.source ?? source);
}

/** Returns how long ago a server last reported, in seconds; undefined: it never has. */
function report_age({ row }: ServerRecord, now: clock.Moment): number | undefined {
  const memory = shared_memory();
  const at = memory[row_at(row) + Row.STATE_REPORTED_AT];
  return memory[row_at(row) + Row.REPORTS] > 0 ? math.max(0, math.floor((now - at) * 10) / 10) : undefined;
}

function percent_of(part: number, whole: number): number {
  return whole === 0 ? 0 : math.floor((part * 1000) / whole + 0.5) / 10;
}

function picks_of({ row, incarnation }: ServerRecord, { document, now }: Common): number {
  return math.floor(picks_of_minute(row, incarnation, document.row, now) + 0.5);
}

function server_text(server: ServerRecord, common: Common): string {
  const { document, now, loads } = common;
  const { row, incarnation, leave_by } = server;
  const status = status_of(row, incarnation);
  const [state, reason] = explained_state(server, status.active);
  const picks = picks_of(server, common);
  clear_times(times);
  add_times(times, row, incarnation);
  const object = {
    id: server.id,
    server: server.server,
    node: server.node?.name,
    origin: origin_of(server, common),
    backup: server.backup,
    down: server.down ? true : undefined,
    drain: server.drain ? true : undefined,
    standby: server.standby,
    in_service: server.in_service,
    drain_job: leave_by === "" ? undefined : true,
    drain_deadline: leave_by === "" || leave_by === "idle" ? undefined : leave_by,
    state,
    reason: state === "up" ? (doubt_about(document, server) ?? reason) : reason,
    since: since_of(server),
    weight: weight_object(document, server, loads, now),
    picks,
    picks_percent: percent_of(picks, common.all_picks),
    active: status.active,
    max_conns: server.max_conns,
    requests: status.requests,
    responses: responses_object(status),
    fails: status.fails,
    unanswered: status.unanswered,
    sent: status.sent,
    received: status.received,
    header_time: times_object(times, times.header),
    response_time: times_object(times, times.response),
    check: check_object(row),
    report: report_object(row),
    report_age: report_age(server, now),
  };
  return encode(server_record(object));
}

/**
 * Returns the servers of an upstream as a JSON list.
 *
 * @param head the document without its servers, which begin at `start` of `text`
 * @param ids the wanted servers; undefined: all
 * @param pause is called after each server
 */
export function servers_text(
  name: string,
  head: Document,
  text: string,
  start: number,
  ids: LuaSet<number> | undefined,
  now: clock.Moment,
  pause: (this: void) => void,
): string {
  const common: Common = {
    document: head,
    source: source_of(head.discovery),
    loads: head.load === undefined ? undefined : load_reports.get(name),
    now,
    all_picks: 0,
  };
  for_each_record(text, start, (server) => {
    common.all_picks += picks_of(server, common);
    pause();
  });
  const parts: string[] = [];
  for_each_record(text, start, (server) => {
    if (ids === undefined || ids.has(server.id)) parts.push(server_text(server, common));
    pause();
  });
  return `[${table.concat(parts, ",")}]`;
}
