import { bounded_ttl, retry_delay, type Bounds } from "./bounds";
import { domain_name, TYPES, type DnsRecord } from "./message";
import { look_up_name, type Ask } from "./records";

/**
 * The addresses of names, such as the targets of SRV records. Each family of each target is a separate
 * question. A question that fails keeps its last answer, so that only an answer can remove an address. Pure:
 * the caller provides the resolvers and the clock.
 */

/** A family of addresses, named by its record type. */
export type Family = "A" | "AAAA";
export const FAMILIES: readonly Family[] = ["A", "AAAA"];

/** The addresses of one family that a name has in DNS, as far as they are known. */
export interface KnownAddresses {
  /** Sorted, in the notation of nginx; undefined: no resolver has answered yet. */
  hosts: string[] | undefined;
  /** The TTL of the answer, in seconds; `math.huge`: the answer has none. */
  ttl: number;
  /** With an answer without addresses: how long it holds, in seconds; 0: the answer does not say it. */
  negative_ttl: number;
  /** Failures of the question since the last answer. */
  failures: number;
  /** When the question may be asked again, by the monotonic clock. */
  not_before: number;
  /** The cause of the last failure; undefined: the last question was answered. */
  cause: string | undefined;
}

/** The parameters of looking up addresses. */
export interface Asker extends Bounds {
  ask: Ask;
  /** The families that are looked up. Default: both. */
  families?: readonly Family[];
  /** The addresses that are known from earlier rounds, by question. */
  known: LuaTable<string, KnownAddresses | undefined>;
  now: (this: void) => number;
}

/** The addresses of a target, as far as they are known. */
export interface TargetAddresses {
  hosts: string[];
  /** The families whose questions have never been answered. */
  unknown: Family[];
  /** The cause of a failed question; undefined: no question has failed. */
  problem: string | undefined;
}

/** The addresses of all targets. */
export interface AllAddresses {
  /** The addresses by the target's `domain_name`. */
  targets: LuaTable<string, TargetAddresses>;
  /** Time until the next questions are due, in seconds. */
  ttl: number;
  /** Number of questions whose last attempt was answered. */
  answered: number;
  /** The cause of a failed question; undefined: none has failed. */
  cause: string | undefined;
  /** The addresses that are known now, by question. */
  known: LuaTable<string, KnownAddresses | undefined>;
}

interface Round {
  asker: Asker;
  /** The addresses in the additional section of the SRV answer, by question. */
  given: LuaTable<string, KnownAddresses | undefined>;
  result: AllAddresses;
  /** The time that failed questions have taken, in seconds. */
  lost: number;
}

/**
 * Limit of the time that failed questions may take in one round, and the least that each of them counts, in
 * seconds. Beyond the limit the remaining questions wait for the next round, so that answers do not expire
 * meanwhile.
 */
const MOST_LOST = 5;
const LEAST_LOST = 1;
/** The delay of a question that fails repeatedly doubles at most this many times. */
const MOST_DOUBLINGS = 6;
const NOT_ASKED = "the question was not asked, because too many other questions have failed";

function question_of(name: string, family: Family): string {
  return `${family} ${name}`;
}

function known_from(records: readonly DnsRecord[], ttl: number, negative_ttl = 0): KnownAddresses {
  const hosts: string[] = [];
  for (const { host } of records) {
    if (host !== undefined) hosts.push(host);
  }
  table.sort(hosts);
  return { hosts, ttl, negative_ttl, failures: 0, not_before: 0, cause: undefined };
}

function given_addresses(additional: readonly DnsRecord[]): LuaTable<string, KnownAddresses | undefined> {
  const records = new LuaTable<string, DnsRecord[] | undefined>();
  for (const record of additional) {
    for (const family of FAMILIES) {
      if (record.type === TYPES[family]) {
        const question = question_of(domain_name(record.name), family);
        const others = records.get(question) ?? [];
        others.push(record);
        records.set(question, others);
      }
    }
  }
  const given = new LuaTable<string, KnownAddresses | undefined>();
  for (const [question, its_records] of pairs(records)) {
    let ttl = math.huge;
    for (const record of its_records) ttl = math.min(ttl, record.ttl);
    given.set(question, known_from(its_records, ttl));
  }
  return given;
}

/** Asks a question. A failed question keeps its last answer. */
function ask_for(round: Round, name: string, family: Family): KnownAddresses {
  const { asker, given } = round;
  const { ask, known, now, max_ttl } = asker;
  const before = known.get(question_of(name, family));
  const began = now();
  const [found, cause] = look_up_name(ask, name, family);
  const ended = now();
  if (found === undefined) {
    round.lost += math.max(LEAST_LOST, ended - began);
    const failures = math.min((before?.failures ?? 0) + 1, MOST_DOUBLINGS);
    const not_before = ended + retry_delay(asker, failures);
    return { hosts: before?.hosts, ttl: math.huge, negative_ttl: 0, failures, not_before, cause };
  }
  const answer = known_from(found.records, found.ttl, found.negative_ttl);
  // A server that sends one family with the SRV records would also send the other one, if it existed.
  // An empty answer for the other family is therefore asked for as rarely as possible.
  const other = question_of(name, family === "A" ? "AAAA" : "A");
  if (answer.hosts?.length === 0 && given.has(other)) answer.not_before = ended + max_ttl;
  return answer;
}

/** Returns the addresses of a family, after a question if one is due. */
function addresses_of(round: Round, name: string, family: Family): KnownAddresses {
  const { asker, given, lost } = round;
  const question = question_of(name, family);
  const came = given.get(question);
  if (came !== undefined) return came;
  const before = asker.known.get(question);
  if (before !== undefined && before.not_before > asker.now()) return before;
  if (lost < MOST_LOST) return ask_for(round, name, family);
  return {
    hosts: before?.hosts,
    ttl: math.huge,
    negative_ttl: 0,
    failures: before?.failures ?? 0,
    not_before: before?.not_before ?? 0,
    cause: before?.cause ?? NOT_ASKED,
  };
}

interface Question {
  text: string;
  name: string;
  family: Family;
  not_before: number;
  /** Position among the questions that are due at the same time. */
  place: number;
}

/**
 * Returns the questions in the order in which they are asked. Questions that have failed come last, the one
 * that has been due for longest first, so that none waits forever. The other questions are ordered by family,
 * so that a resolver that never answers for one family does not delay the other.
 */
function questions_of({ known, families = FAMILIES }: Asker, names: readonly string[]): Question[] {
  const questions: Question[] = [];
  for (const family of families) {
    for (const name of names) {
      const text = question_of(name, family);
      const before = known.get(text);
      questions.push({ text, name, family, not_before: before?.not_before ?? 0, place: questions.length });
    }
  }
  table.sort(questions, (a, b) => {
    return a.not_before === b.not_before ? a.place < b.place : a.not_before < b.not_before;
  });
  return questions;
}

function note(
  round: Round,
  target: TargetAddresses,
  family: Family,
  known: KnownAddresses | undefined,
): void {
  if (known === undefined) return;
  const { result, asker } = round;
  const { hosts, ttl, not_before, cause } = known;
  if (cause === undefined) result.answered += 1;
  else result.cause = cause;
  const seconds = cause === undefined ? bounded_ttl(asker, ttl) : math.max(0, not_before - asker.now());
  result.ttl = math.min(result.ttl, seconds);
  target.problem = target.problem ?? cause;
  if (hosts === undefined) target.unknown.push(family);
  for (const host of hosts ?? []) target.hosts.push(host);
}

/** Returns the time until the addresses of a target may be asked for that has none, in seconds. */
function negative_ttl_of(one: KnownAddresses | undefined, other: KnownAddresses | undefined): number {
  return math.min(one?.negative_ttl ?? math.huge, other?.negative_ttl ?? math.huge);
}

/** Returns the addresses of targets by `domain_name`. What `additional` answers is not asked. */
export function addresses_of_targets(
  asker: Asker,
  names: readonly string[],
  additional: readonly DnsRecord[],
): AllAddresses {
  const targets = new LuaTable<string, TargetAddresses>();
  const known = new LuaTable<string, KnownAddresses | undefined>();
  const result: AllAddresses = { targets, ttl: math.huge, answered: 0, cause: undefined, known };
  const round: Round = { asker, given: given_addresses(additional), result, lost: 0 };
  for (const { text, name, family } of questions_of(asker, names)) {
    known.set(text, addresses_of(round, name, family));
  }
  for (const name of names) {
    const target: TargetAddresses = { hosts: [], unknown: [], problem: undefined };
    targets.set(name, target);
    // With a loop, LuaJIT 2.1-20230119 (Debian 12) sometimes crashes when it collects garbage in its trace.
    const ipv4 = known.get(question_of(name, "A"));
    const ipv6 = known.get(question_of(name, "AAAA"));
    note(round, target, "A", ipv4);
    note(round, target, "AAAA", ipv6);
    if (target.hosts.length === 0 && target.unknown.length === 0 && target.problem === undefined)
      result.ttl = math.min(result.ttl, bounded_ttl(asker, negative_ttl_of(ipv4, ipv6)));
  }
  // When no question was answered, the whole source backs off instead of each question. If not all questions
  // were asked, each one backs off, so that the next round asks the others.
  for (const [, addresses] of pairs(known)) {
    if (result.answered === 0 && round.lost < MOST_LOST) addresses.not_before = 0;
  }
  return result;
}
