import type { DnsRecord } from "resty.dns.resolver";
import { backoff } from "../net/backoff";
import { domain_name, host_of, look_up_name, TYPES, type Ask } from "./dns_records";
import type { KnownAddresses } from "./source";

/**
 * The addresses of SRV targets. Each family of each target is a question of its own. What is answered is
 * used; a question that fails keeps its last answer; only an answer removes an address. Pure: the caller asks
 * and has the clock.
 */

/** A family of addresses, by the type of its records. */
export type Family = "A" | "AAAA";
const FAMILIES: Family[] = ["A", "AAAA"];

/** What is needed to ask for addresses. */
export interface Asker {
  ask: Ask;
  /** By question: what was known before. */
  known: LuaTable<string, KnownAddresses | undefined>;
  now: (this: void) => number;
  /** The bounds of the time from one question to the next, in seconds. */
  min_ttl: number;
  max_ttl: number;
}

/** What is known of a target's addresses. */
export interface TargetAddresses {
  hosts: string[];
  /** The families of which nothing is known, because their questions have never been answered. */
  unknown: Family[];
  /** Why the question of a family has failed; undefined: none has. */
  problem: string | undefined;
}

/** What is known of all targets. */
export interface AllAddresses {
  /** By the target's `domain_name`. */
  targets: LuaTable<string, TargetAddresses>;
  /** After how many seconds to ask again. */
  ttl: number;
  /** How many questions have an answer, and why one has failed. */
  answered: number;
  cause: string | undefined;
  /** By question: what is known now. */
  known: LuaTable<string, KnownAddresses | undefined>;
}

/** One round of questions. */
interface Round {
  asker: Asker;
  /** The addresses that came with the SRV records, by question. */
  given: LuaTable<string, KnownAddresses | undefined>;
  result: AllAddresses;
  /** The seconds that failed questions have taken. */
  lost: number;
}

/**
 * How many seconds failed questions may take in one round, and how many each counts at least. The others then
 * wait for the next round: those that have an answer must not become old meanwhile.
 */
const MOST_LOST = 5;
const LEAST_LOST = 1;
/** A question that fails again and again is asked less and less often, up to this power of two. */
const MOST_DOUBLINGS = 6;
const NOT_ASKED = "it was not asked for, because too many other questions have failed";

function question_of(name: string, family: Family): string {
  return `${family} ${name}`;
}

/** Returns the addresses of some records, sorted, as the answer to a question. */
function known_from(records: readonly DnsRecord[], ttl: number): KnownAddresses {
  const hosts: string[] = [];
  for (const record of records) {
    const host = host_of(record);
    if (host !== undefined) hosts.push(host);
  }
  table.sort(hosts);
  return { hosts, ttl, failures: 0, not_before: 0, cause: undefined };
}

/** Sorts the additional records of an SRV answer by the questions that they answer. */
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

/** Asks for the addresses of a family. */
function ask_for(round: Round, name: string, family: Family): KnownAddresses {
  const { asker, given } = round;
  const { ask, known, now, min_ttl, max_ttl } = asker;
  const before = known.get(question_of(name, family));
  const began = now();
  const [found, cause] = look_up_name(ask, name, family);
  const ended = now();
  if (found === undefined) {
    round.lost += math.max(LEAST_LOST, ended - began);
    const failures = math.min((before?.failures ?? 0) + 1, MOST_DOUBLINGS);
    const not_before = ended + backoff(failures, min_ttl, max_ttl);
    return { hosts: before?.hosts, ttl: math.huge, failures, not_before, cause };
  }
  const answer = known_from(found.records, found.ttl);
  // Who sends one family with the SRV records sends the other too, if there is one: it is asked for only to
  // be sure.
  const other = question_of(name, family === "A" ? "AAAA" : "A");
  if (answer.hosts?.length === 0 && given.has(other)) answer.not_before = ended + max_ttl;
  return answer;
}

/** Returns what is known of a family, after a question if one is due. */
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
    failures: before?.failures ?? 0,
    not_before: before?.not_before ?? 0,
    cause: before?.cause ?? NOT_ASKED,
  };
}

/** A question that may be asked. */
interface Question {
  text: string;
  name: string;
  family: Family;
  /** When it is due, and its place among those that are due at the same time. */
  not_before: number;
  place: number;
}

/**
 * Returns the questions in the order in which they are asked. Those that have failed come last, and of them
 * the one that has been due for longest comes first, so that none waits for ever. Of the others one family
 * comes first: a resolver that never answers for the other must not keep these waiting.
 */
function questions_of({ known }: Asker, names: readonly string[]): Question[] {
  const questions: Question[] = [];
  for (const family of FAMILIES) {
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

function note(round: Round, target: TargetAddresses, family: Family, known: KnownAddresses): void {
  const { result, asker } = round;
  const { hosts, ttl, not_before, cause } = known;
  if (cause === undefined) result.answered += 1;
  else result.cause = cause;
  result.ttl = math.min(result.ttl, ttl);
  if (cause !== undefined) result.ttl = math.min(result.ttl, math.max(0, not_before - asker.now()));
  target.problem = target.problem ?? cause;
  if (hosts === undefined) target.unknown.push(family);
  for (const host of hosts ?? []) target.hosts.push(host);
}

/**
 * Returns the addresses of some targets, by their `domain_name`.
 *
 * @param additional the additional records of the SRV answer: questions that they answer are not asked
 */
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
    // No loop: with one, LuaJIT 2.1-20230119 (Debian 12) sometimes crashes when it collects garbage in its trace.
    note(round, target, "A", known.get(question_of(name, "A")) as KnownAddresses);
    note(round, target, "AAAA", known.get(question_of(name, "AAAA")) as KnownAddresses);
  }
  // When nothing is answered, the whole source backs off instead. If not all questions were asked, each backs
  // off: the next round must ask others.
  for (const [, addresses] of pairs(known)) {
    if (result.answered === 0 && round.lost < MOST_LOST) addresses.not_before = 0;
  }
  return result;
}
