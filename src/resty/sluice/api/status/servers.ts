import { registry_of } from "../../config/discovery";
import type * as clock from "../../lib/clock";
import { encode } from "../../lib/json";
import type { Document } from "../../store/document/document";
import type { ServerRecord } from "../../store/document/line";
import { records_in } from "../../store/document/records";
import { Row } from "../../store/memory/cells";
import { rare_cells_of } from "../../store/memory/rare_cells";
import { row_at, shared_memory } from "../../store/memory/region";
import { limit_now } from "../../store/memory/limit";
import { status_of, type ServerStatus } from "../../store/memory/statistics";
import { add_times, clear_times, new_times } from "../../store/memory/times";
import { load_reports, type LoadReport } from "../../store/source_status";
import { limit_object, load_object, report_object, weight_object } from "../load_objects";
import { doubt_about } from "../problems";
import { percent_of, recent_picks } from "../share";
import { check_object, explained_state, outlier_object, since_of } from "../state_text";
import { times_member } from "./times";

/** The servers in the status of an upstream. */

const SERVER =
  '{"id":%d,"server":%s%s,"origin":"%s","backup":%s%s,"state":"%s","reason":%s%s,"weight":%s,"picks":%d,' +
  '"picks_percent":%.1f,"active":%d,"max_conns":%d,"requests":%d,"responses":{%s},"fails":%d,"unanswered":%d,' +
  '"sent":%d,"received":%d%s}';

const times = new_times();

/** What all servers of an upstream have in common. */
interface Common {
  document: Document;
  /** Where the servers come from that were not added by hand. */
  source: string | undefined;
  loads: LoadReport | undefined;
  now: clock.Moment;
  /** The texts of weights that depend only on the parameter. */
  weights: LuaTable<number, string | undefined>;
  /** The picks of all servers in the last minute. */
  all_picks: number;
}

/** The responses of the server that is being looked at, from 1xx to 5xx. */
const by_class = [0, 0, 0, 0, 0];

/** Returns the members of `responses`. */
function responses_text({ codes }: ServerStatus): string {
  for (const index of $range(0, 4)) by_class[index] = 0;
  for (const [code, count] of pairs(codes)) {
    const index = math.floor(code / 100) - 1;
    if (index >= 0 && index < 5) by_class[index] += count;
  }
  let text = "";
  for (const index of $range(0, 4)) {
    const separator = text === "" ? "" : ",";
    if (by_class[index] > 0) text += string.format('%s"%dxx":%d', separator, index + 1, by_class[index]);
  }
  return text;
}

function origin_of({ source }: ServerRecord, common: Common): string {
  if (source === "") return "hand";
  return source === "register" || source === "resolve" ? source : (common.source ?? source);
}

/** Returns a further member that is a text; "" if it is undefined. */
function text_member(name: string, text: string | undefined): string {
  return text === undefined ? "" : `,"${name}":${encode(text)}`;
}

function flag_member(name: string, is_set: boolean | undefined): string {
  return is_set === true ? `,"${name}":true` : "";
}

/** Returns what is set by parameters and by jobs, and `standby` and `in_service`. */
function settings_text({ down, drain, standby, in_service, leave_by }: ServerRecord): string {
  const has_job = leave_by !== "";
  const deadline = has_job && leave_by !== "idle" ? leave_by : undefined;
  return (
    flag_member("down", down) +
    flag_member("drain", drain) +
    flag_member("standby", standby) +
    flag_member("in_service", in_service) +
    flag_member("drain_job", has_job) +
    text_member("drain_deadline", deadline)
  );
}

/** Returns the last report and its age in seconds; "": the server has never reported. */
function report_text({ row }: ServerRecord, now: clock.Moment): string {
  const report = report_object(row);
  if (report === undefined) return "";
  const memory = shared_memory();
  const text = `,"report":${encode(report)}`;
  const rare = rare_cells_of(row_at(row));
  if (memory[rare + Row.REPORTS] === 0) return text;
  const age = math.max(0, now - memory[rare + Row.STATE_REPORTED_AT]);
  return `${text},"report_age":${string.format("%.1f", age)}`;
}

function outlier_text(document: Document, server: ServerRecord): string {
  const outlier = outlier_object(document, server);
  return outlier === undefined ? "" : `,"outlier":${encode(outlier)}`;
}

/** Returns what `least_load` compares; "": the upstream has another method. */
function load_text(server: ServerRecord, { document, now }: Common, active: number): string {
  if (document.method !== "least_load") return "";
  return `,"load":${encode(load_object(document, server, active, now))}`;
}

function check_text({ row }: ServerRecord): string {
  const check = check_object(row);
  return check === undefined ? "" : `,"check":${encode(check)}`;
}

/** Returns the adaptive limit; "": the server has none. */
function limit_text(server: ServerRecord, { document }: Common): string {
  const limit = limit_object(server, document);
  return limit === undefined ? "" : `,"limit":${encode(limit)}`;
}

/** Returns the weight and its factors. Most servers of an upstream have the same ones. */
function weight_text(server: ServerRecord, { document, loads, now, weights }: Common): string {
  const is_varied =
    document.load !== undefined ||
    server.slow_start !== "0s" ||
    document.outlier_detection?.mode === "degrade";
  const known = is_varied ? undefined : weights.get(server.weight);
  if (known !== undefined) return known;
  const text = encode(weight_object(document, server, loads, now));
  if (!is_varied) weights.set(server.weight, text);
  return text;
}

function server_text(server: ServerRecord, common: Common): string {
  const { row, incarnation } = server;
  const status = status_of(row, incarnation);
  const [state, reason] = explained_state(server, status.active);
  const picks = recent_picks(server, common.document, common.now);
  clear_times(times);
  add_times(times, row, incarnation);
  const more =
    times_member("header_time", times.count, times.header) +
    times_member("response_time", times.count, times.response) +
    check_text(server) +
    outlier_text(common.document, server) +
    limit_text(server, common) +
    report_text(server, common.now) +
    load_text(server, common, status.active);
  return string.format(
    SERVER,
    server.id,
    encode(server.server),
    text_member("node", server.node?.name) +
      text_member("host", server.host) +
      text_member("zone", server.zone === "" ? undefined : server.zone),
    origin_of(server, common),
    tostring(server.backup),
    settings_text(server),
    state,
    encode(state === "up" ? (doubt_about(common.document, server) ?? reason) : reason),
    text_member("since", since_of(server)),
    weight_text(server, common),
    picks,
    percent_of(picks, common.all_picks),
    status.active,
    limit_now(server, row, common.document.adaptive_limit),
    status.requests,
    responses_text(status),
    status.fails,
    status.unanswered,
    status.sent,
    status.received,
    more,
  );
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
    source: registry_of(head.discovery),
    loads: head.load === undefined ? undefined : load_reports.get(name),
    now,
    weights: new LuaTable(),
    all_picks: 0,
  };
  for (const server of records_in(text, start)) {
    common.all_picks += recent_picks(server, common.document, common.now);
    pause();
  }
  const parts: string[] = [];
  for (const server of records_in(text, start)) {
    if (ids === undefined || ids.has(server.id)) parts.push(server_text(server, common));
    pause();
  }
  return `[${table.concat(parts, ",")}]`;
}
