import { ip_text } from "../../lib/ip";
import type { Result } from "../../lib/result";
import { terminated_parts } from "../../lib/text";
import { label_bytes, label_text } from "./labels";

/**
 * DNS messages: RFC 1035, and RFC 2782 for SRV. An answer is foreign input: the work on it is bounded, and
 * what it contains beside the records that are asked for is skipped. Pure.
 */

export type RecordType = "A" | "AAAA" | "SRV";

/** The numbers of the types of records. */
export const TYPES = { A: 1, CNAME: 5, SOA: 6, AAAA: 28, SRV: 33 };

/** The sections of an answer. */
export const Section = { ANSWER: 1, AUTHORITY: 2, ADDITIONAL: 3 };

/** A record of the class IN. */
export interface DnsRecord {
  /** The owner, in canonical form. */
  name: string;
  type: number;
  section: number;
  /** In seconds. */
  ttl: number;
  /** The address of A and AAAA in the notation of nginx. */
  host?: string;
  /** The name that a CNAME or an SRV record leads to; "": the root. */
  target?: string;
  port?: number;
  priority?: number;
  weight?: number;
  /** How long a name does not exist, according to an SOA record, in seconds. */
  minimum?: number;
}

export interface Question {
  id: number;
  name: string;
  type: RecordType;
}

/** An answer to a question. */
export interface Message {
  /** The answer did not fit, so the question must be repeated over TCP. */
  is_truncated: boolean;
  /** The response code. */
  code: number;
  records: DnsRecord[];
}

const HEADER_BYTES = 12;
const LONGEST_LABEL = 63;
const LONGEST_NAME = 253;
const MOST_RECORDS = 2000;
/** Limit of the pointers in one name. Real names have few: an answer with many makes work. */
const MOST_JUMPS = 32;
const IN = 1;
/** The first of the two bits that mark a pointer in place of a label. */
const POINTER = 0xc0;
const IS_RESPONSE = 0x80;
const IS_TRUNCATED = 0x02;
const CODES = 16;
const LONGEST_TTL = 2 ** 31;
/** The bytes of a record's type, class, TTL and length. */
const FIXED_BYTES = 10;
const MALFORMED = "the answer is malformed";

/** Returns the canonical form of a domain name. */
export function domain_name(name: string): string {
  return string.lower(string.sub(name, -1) === "." ? string.sub(name, 1, -2) : name);
}

function two_bytes(value: number): string {
  return string.char(math.floor(value / 256), value % 256);
}

/** Reads a number of two bytes. The caller knows that they exist. */
function number_at(text: string, position: number): number {
  const [high, low] = string.byte(text, position, position + 1);
  return high * 256 + low;
}

function long_at(text: string, position: number): number {
  return number_at(text, position) * 65536 + number_at(text, position + 2);
}

/** Writes a question. Returns undefined if the name is not a domain name. */
export function encode_question({ id, name, type: record_type }: Question): string | undefined {
  const labels: string[] = [];
  const plain = domain_name(name);
  if (plain === "") return undefined;
  let length = 0;
  for (const text of terminated_parts(`${plain}.`, ".")) {
    const label = label_bytes(text);
    length += label.length + 1;
    if (label === "" || label.length > LONGEST_LABEL || length > LONGEST_NAME + 1) return undefined;
    labels.push(string.char(label.length) + label);
  }
  // One question, with recursion.
  const header = `${two_bytes(id)}\x01\0\0\x01\0\0\0\0\0\0`;
  return `${header}${table.concat(labels)}\0${two_bytes(TYPES[record_type])}${two_bytes(IN)}`;
}

/** Reads a name. Returns undefined if it is malformed, and the position after it. */
function name_at(text: string, start: number): LuaMultiReturn<[string | undefined, number]> {
  const labels: string[] = [];
  let [position, end, length] = [start, 0, 0];
  /** Each pointer must lead to an earlier place, so that they form no loop. */
  let bound = start;
  let jumps = 0;
  while (true) {
    const size = string.byte(text, position) as number | undefined;
    if (size === undefined) return $multi(undefined, 0);
    if (size === 0) break;
    if (size >= POINTER) {
      const low = string.byte(text, position + 1) as number | undefined;
      if (low === undefined) return $multi(undefined, 0);
      if (end === 0) end = position + 2;
      position = (size - POINTER) * 256 + low + 1;
      jumps += 1;
      if (position >= bound || jumps > MOST_JUMPS) return $multi(undefined, 0);
      bound = position;
    } else {
      length += size + 1;
      if (size > LONGEST_LABEL || length > LONGEST_NAME + 1) return $multi(undefined, 0);
      labels.push(label_text(string.sub(text, position + 1, position + size)));
      position += size + 1;
    }
  }
  return $multi(string.lower(table.concat(labels, ".")), end === 0 ? position + 1 : end);
}

/** Reads the data of a record into it. Returns false if they are malformed. */
function read_data(record: DnsRecord, text: string, start: number, size: number): boolean {
  const { type: record_type } = record;
  if (record_type === TYPES.A || record_type === TYPES.AAAA) {
    if (size !== (record_type === TYPES.A ? 4 : 16)) return false;
    const address = ip_text(string.sub(text, start, start + size - 1));
    record.host = record_type === TYPES.A ? address : `[${address}]`;
  } else if (record_type === TYPES.CNAME) {
    const [target] = name_at(text, start);
    if (target === undefined || target === "") return false;
    record.target = target;
  } else if (record_type === TYPES.SRV) {
    if (size < 7) return false;
    record.priority = number_at(text, start);
    record.weight = number_at(text, start + 2);
    record.port = number_at(text, start + 4);
    const [target] = name_at(text, start + 6);
    if (target === undefined) return false;
    record.target = target;
  } else if (record_type === TYPES.SOA) {
    if (size < 22) return false;
    record.minimum = long_at(text, start + size - 4);
  }
  return true;
}

/** Reads the record at a position, if it is of interest. Returns undefined and the next position. */
function record_at(
  text: string,
  start: number,
  section: number,
): LuaMultiReturn<[record: DnsRecord | undefined, next: number | undefined]> {
  const [name, position] = name_at(text, start);
  if (name === undefined || position + FIXED_BYTES - 1 > text.length) return $multi(undefined, undefined);
  const size = number_at(text, position + 8);
  const next = position + FIXED_BYTES + size;
  if (next - 1 > text.length) return $multi(undefined, undefined);
  if (number_at(text, position + 2) !== IN) return $multi(undefined, next);
  const seconds = long_at(text, position + 4);
  // RFC 2181: a TTL with the highest bit is 0.
  const ttl = seconds < LONGEST_TTL ? seconds : 0;
  const record: DnsRecord = { name, type: number_at(text, position), section, ttl };
  if (!read_data(record, text, position + FIXED_BYTES, size)) return $multi(undefined, undefined);
  return $multi(record, next);
}

/** Reads the records of all sections. Returns them, or undefined and why not. */
function read_records(text: string, start: number, pause: (this: void) => void): Result<DnsRecord[]> {
  const records: DnsRecord[] = [];
  let position = start;
  let count = 0;
  for (const section of $range(Section.ANSWER, Section.ADDITIONAL)) {
    const size = number_at(text, 5 + section * 2);
    count += size;
    if (count > MOST_RECORDS) return $multi(undefined, `the answer has more than ${MOST_RECORDS} records`);
    for (const _ of $range(1, size)) {
      const [record, next] = record_at(text, position, section);
      if (next === undefined) return $multi(undefined, MALFORMED);
      if (record !== undefined) records.push(record);
      position = next;
      pause();
    }
  }
  return $multi(records, undefined);
}

/** Returns the position after the question if a message answers it. */
function end_of_question(text: string, { name, type: record_type }: Question): number | undefined {
  const [asked, end] = name_at(text, HEADER_BYTES + 1);
  if (asked !== domain_name(name) || end + 3 > text.length) return undefined;
  const is_same = number_at(text, end) === TYPES[record_type] && number_at(text, end + 2) === IN;
  return is_same ? end + 4 : undefined;
}

/**
 * Reads an answer. `pause` is called after each record.
 *
 * @returns the answer; or undefined and what is wrong with it; both undefined: it answers something else
 */
export function decode_answer(
  text: string,
  question: Question,
  pause: (this: void) => void,
): Result<Message> {
  if (text.length < HEADER_BYTES || number_at(text, 1) !== question.id) return $multi(undefined, undefined);
  const [flags, more] = string.byte(text, 3, 4);
  if (flags < IS_RESPONSE) return $multi(undefined, undefined);
  const code = more % CODES;
  const is_truncated = math.floor(flags / IS_TRUNCATED) % 2 === 1;
  // A server that could not read the question may leave it out.
  const has_question = number_at(text, 5) === 1;
  const start = has_question ? end_of_question(text, question) : undefined;
  if (start === undefined) {
    if (has_question || code === 0) return $multi(undefined, undefined);
    return $multi({ is_truncated: false, code, records: [] }, undefined);
  }
  if (is_truncated) return $multi({ is_truncated, code, records: [] }, undefined);
  const [records, cause] = read_records(text, start, pause);
  return $multi(records === undefined ? undefined : { is_truncated, code, records }, cause);
}
