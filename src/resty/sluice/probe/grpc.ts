import type { HealthCheckConfig } from "../config/health_check";
import { format_call, type FormattedCall, type GrpcAnswer } from "../net/grpc";
import type { Field } from "../net/http2/static_table";
import { header_names, USER_AGENT } from "./request";

/** The call `Check` of gRPC's health checking protocol (grpc.health.v1). */

export const GRPC_METHOD = "grpc.health.v1.Health/Check";

/** The values of `ServingStatus`. */
const SERVING_STATUSES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
const SERVING = 1;
const STATUSES = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

/** Bytes of the longest varint, which has 64 bits. */
const LONGEST_VARINT = 10;

/** Formats the request, a message whose field 1 is the name of the service. */
function health_request(service: string): string {
  if (service === "") return "";
  const high = math.floor(service.length / 128);
  const length = high === 0 ? string.char(service.length) : string.char((service.length % 128) + 128, high);
  return `\x0a${length}${service}`;
}

/** Prepares the call of a check of the type `grpc`. Any phase. */
export function health_call(upstream: string, config: HealthCheckConfig, timeout: number): FormattedCall {
  const { host = upstream, headers = {}, grpc_service = "" } = config;
  const fields: Field[] = [];
  let has_agent = false;
  for (const name of header_names(config)) {
    const known = string.lower(name);
    has_agent = has_agent || known === "user-agent";
    fields.push({ name: known, value: headers[name] });
  }
  if (!has_agent) fields.push({ name: "user-agent", value: USER_AGENT });
  const message = health_request(grpc_service);
  return format_call({ authority: host, path: `/${GRPC_METHOD}`, message, timeout, fields });
}

/** Reads a varint. Returns its value modulo 2^53, and the position after it; undefined: it is malformed. */
function read_varint(
  message: string,
  position: number,
): LuaMultiReturn<[value: number | undefined, after: number]> {
  let value = 0;
  for (const index of $range(0, LONGEST_VARINT - 1)) {
    const byte = string.byte(message, position + index) as number | undefined;
    if (byte === undefined) break;
    if (index < 7) value += (byte % 128) * 128 ** index;
    if (byte < 128) return $multi(value, position + index + 1);
  }
  return $multi(undefined, position);
}

/** Returns the position after the value of a field; undefined: the field is malformed. */
function after_field(message: string, wire_type: number, position: number): number | undefined {
  if (wire_type === 1) return position + 8;
  if (wire_type === 5) return position + 4;
  const [value, after] = read_varint(message, position);
  if (value === undefined || (wire_type !== 0 && wire_type !== 2)) return undefined;
  return wire_type === 0 ? after : after + value;
}

/** Returns the `status` of a `HealthCheckResponse`; undefined: the message is malformed. Pure. */
export function serving_status(message: string): number | undefined {
  let status = 0;
  let position = 1;
  while (position <= message.length) {
    const [tag, start] = read_varint(message, position);
    if (tag === undefined) return undefined;
    if (tag === 8) status = read_varint(message, start)[0] ?? status;
    const after = after_field(message, tag % 8, start);
    if (after === undefined || after > message.length + 1) return undefined;
    position = after;
  }
  return status;
}

/** Names a number as "12 (UNIMPLEMENTED)". */
function with_name(number: number, names: readonly string[]): string {
  const name = names[number] as string | undefined;
  return name === undefined ? string.format("%d", number) : string.format("%d (%s)", number, name);
}

/**
 * Says whether an answer is that of a healthy server, and what it was.
 *
 * @param accepted the status of gRPC that a healthy server may return too
 */
export function judge_grpc(
  { status, message }: GrpcAnswer,
  accepted: number | undefined,
): LuaMultiReturn<[passed: boolean, what: string]> {
  if (message === undefined)
    return $multi(status === accepted, `returned the status ${with_name(status, STATUSES)}`);
  const serving = serving_status(message);
  if (serving === undefined) return $multi(false, "returned a malformed message");
  return $multi(serving === SERVING, `returned ${with_name(serving, SERVING_STATUSES)}`);
}
