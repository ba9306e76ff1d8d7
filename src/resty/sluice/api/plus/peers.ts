import * as clock from "../../lib/clock";
import { iso8601 } from "../../lib/iso8601";
import { encode, record } from "../../lib/json";
import type { Document } from "../../store/document/document";
import type { ServerRecord } from "../../store/document/line";
import { records_in } from "../../store/document/records";
import { limit_now } from "../../store/memory/limit";
import { status_of, type ServerStatus } from "../../store/memory/statistics";
import { explained_state } from "../state_text";

/** `peers` of an upstream as JSON text: a listing may have 100,000 peers, so it makes no tables of them. */

const PEER =
  '{"id":%d,"server":%s,"name":%s,"backup":%s,"weight":%d,"state":"%s","active":%d,"max_conns":%d,"requests":%d,%s' +
  '"responses":%s,"sent":%d,"received":%d,"fails":%d,"unavail":%d,"health_checks":%s,"downtime":%d%s%s}';
const TIMES = '"header_time":%d,"response_time":%d,';
const HEALTH_CHECKS = '{"checks":%d,"fails":%d,"unhealthy":%d%s}';
const responses_record = record("1xx 2xx 3xx 4xx 5xx codes total");

function responses_object(codes: ServerStatus["codes"]): object {
  const by_class = [0, 0, 0, 0, 0];
  const by_code: Record<string, number> = {};
  let total = 0;
  for (const [code, count] of pairs(codes)) {
    const its_class = math.floor(code / 100);
    if (its_class >= 1 && its_class <= 5) by_class[its_class - 1] += count;
    if (count > 0) by_code[string.format("%d", code)] = count;
    total += count;
  }
  const responses: Record<string, unknown> = { codes: by_code, total };
  for (const its_class of $range(1, 5)) responses[`${its_class}xx`] = by_class[its_class - 1];
  return responses_record(responses);
}

const NO_RESPONSES = encode(responses_object(new LuaTable()));

function responses_text({ codes }: ServerStatus): string {
  return next(codes)[0] === undefined ? NO_RESPONSES : encode(responses_object(codes));
}

function whole(milliseconds: number): number {
  return math.floor(milliseconds + 0.5);
}

/** Returns the averages; "" until the first response. */
function times_text({ header_time, response_time }: ServerStatus): string {
  if (header_time === undefined || response_time === undefined) return "";
  return string.format(TIMES, whole(header_time), whole(response_time));
}

function checks_text({ checks, check_fails, unhealthy, last_passed }: ServerStatus): string {
  const last = last_passed === undefined ? "" : `,"last_passed":${tostring(last_passed)}`;
  return string.format(HEALTH_CHECKS, checks, check_fails, unhealthy, last);
}

/** Returns a further member that is a time; "" if the time is undefined. */
function moment_text(name: string, time: number | undefined): string {
  return time === undefined ? "" : `,"${name}":"${iso8601(clock.wall_time_of(time))}"`;
}

function peer_text(record: ServerRecord, { adaptive_limit }: Document): string {
  const status = status_of(record.row, record.incarnation);
  const server = encode(record.server);
  return string.format(
    PEER,
    record.id,
    server,
    record.host === undefined ? server : encode(record.host),
    tostring(record.backup),
    record.weight,
    explained_state(record, status.active)[0],
    status.active,
    limit_now(record, record.row, adaptive_limit),
    status.requests,
    times_text(status),
    responses_text(status),
    status.sent,
    status.received,
    status.fails,
    status.unavail,
    checks_text(status),
    status.downtime,
    moment_text("downstart", status.down_since),
    moment_text("selected", status.selected),
  );
}

/** Returns the status of all servers of a document, which begin at `start`. Calls `pause` after each. */
export function peers_text(head: Document, text: string, start: number, pause: (this: void) => void): string {
  const parts: string[] = [];
  for (const record of records_in(text, start)) {
    parts.push(peer_text(record, head));
    pause();
  }
  return `[${table.concat(parts, ",")}]`;
}
