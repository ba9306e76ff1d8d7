import { canonical_address } from "../config/address";
import type { Problem } from "../config/problem";
import * as clock from "../lib/clock";
import type { Document } from "../store/document/document";
import {
  fitting_servers,
  replace_sourced,
  sourced_addresses,
  type Misfit,
  type Portion,
  type SourceMark,
  type WantedServer,
} from "../store/document/sourced";
import { stamp_of } from "../store/memory/region";
import { write } from "../store/write";
import { judge, type Guard, type GuardLimits, type Verdict } from "./guard";

/** How an answer becomes an upstream's servers: what is new and what has changed at once, removals by the guard's leave. */

/** What is to be. */
export interface Wanted {
  /** The upstream, and what tells it from others of its name. */
  name: string;
  stamp: number;
  source: SourceMark;
  /** Each with its address once. */
  servers: readonly WantedServer[];
  /** False: it is an answer of before. */
  is_new: boolean;
  guard: Guard;
  limits: GuardLimits;
  /** Whether there is a newer answer, after whatever wait there was. */
  is_stale: (this: void) => boolean;
}

/** What came of it. */
export interface Outcome {
  problem: Problem | undefined;
  /** The upstream as it is now; undefined: it is gone, or there is a problem. */
  document: Document | undefined;
  verdict: Verdict;
  /** The addresses of the servers that nobody wants and that are kept, if the verdict is another than "removes". */
  unwanted: string[];
  misfits: Misfit[];
  /** True: nothing was done, there is a newer answer. */
  is_stale: boolean;
}

/**
 * The most servers that one write adds or changes, and the part of an upstream's servers that it may add at least. A write
 * takes time in proportion to all servers of the upstream too, so that a longer list is written in larger portions.
 */
const SMALLEST_PORTION = 250;
const PORTIONS = 16;
const PAUSE_SECONDS = 0.001;

/** Equal for equal sets of addresses. */
function fingerprint(servers: readonly WantedServer[]): string {
  const addresses: string[] = [];
  for (const { name } of servers) addresses.push(name);
  table.sort(addresses);
  return table.concat(addresses, " ");
}

/** The addresses of the servers that the source has in the upstream, and of those that nobody wants. */
function owned_and_unwanted(
  current: Document,
  source: SourceMark,
  servers: readonly WantedServer[],
): LuaMultiReturn<[number, string[]]> {
  const named = new LuaSet<string>();
  for (const { name } of servers) named.add(name);
  const owned = sourced_addresses(current, source);
  const unwanted: string[] = [];
  for (const address of owned) {
    if (!named.has(canonical_address(address))) unwanted.push(address);
  }
  return $multi(owned.length, unwanted);
}

/** Judges an answer once, before the first of its writes. */
function judge_answer(
  current: Document,
  { source, guard, limits, is_new }: Wanted,
  servers: readonly WantedServer[],
): Verdict {
  const [owned, unwanted] = owned_and_unwanted(current, source, servers);
  const step = {
    owned,
    removed: unwanted.length,
    wanted: servers.length,
    answer: unwanted.length === 0 ? "" : fingerprint(servers),
    is_new,
  };
  return judge(guard, step, limits, clock.now());
}

/** Makes one write. Returns whether another one must follow. */
function write_portion(wanted: Wanted, outcome: Outcome, is_first: boolean): boolean {
  const portion: Portion = { most: SMALLEST_PORTION, is_last: true };
  const [document, problem] = write(wanted.name, (current, revision) => {
    if (current === undefined || stamp_of(current.row) !== wanted.stamp) return $multi(current, undefined);
    outcome.is_stale = wanted.is_stale();
    if (outcome.is_stale) return $multi(current, undefined);
    const { source } = wanted;
    outcome.misfits = [];
    const servers = fitting_servers(current, source, wanted.servers, outcome.misfits);
    if (is_first) outcome.verdict = judge_answer(current, wanted, servers);
    if (outcome.verdict !== "removes") [, outcome.unwanted] = owned_and_unwanted(current, source, servers);
    portion.most = math.max(SMALLEST_PORTION, current.lines.length / PORTIONS);
    return replace_sourced(current, source, servers, outcome.verdict !== "removes", revision, portion);
  });
  outcome.document = document;
  outcome.problem = problem;
  return problem === undefined && document !== undefined && !portion.is_last;
}

/**
 * Makes the servers that a source has brought to an upstream those that it says there are. A long list takes several
 * writes, so that requests go on between them: first all that is new or changed, then the removals. Phases that can sleep.
 */
export function apply_wanted(wanted: Wanted): Outcome {
  const outcome: Outcome = {
    problem: undefined,
    document: undefined,
    verdict: "removes",
    unwanted: [],
    misfits: [],
    is_stale: false,
  };
  let goes_on = write_portion(wanted, outcome, true);
  while (goes_on && !outcome.is_stale) {
    ngx.sleep(PAUSE_SECONDS);
    goes_on = write_portion(wanted, outcome, false);
  }
  return outcome;
}
