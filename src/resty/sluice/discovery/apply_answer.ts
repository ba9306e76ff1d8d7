import { canonical_address } from "../config/address";
import type { Problem } from "../config/problem";
import * as clock from "../lib/clock";
import { pause } from "../lib/pause";
import { set_of } from "../lib/tables";
import type { Document } from "../store/document/document";
import type { HostRecord } from "../store/document/host";
import { has_host } from "../store/document/hosts";
import type { SourceMark } from "../store/document/line";
import {
  fitting_servers,
  replace_sourced,
  sourced_addresses,
  type Misfit,
  type Portion,
  type WantedServer,
} from "../store/document/sourced";
import { DISCOVERY } from "../store/history/author";
import { stamp_of } from "../store/memory/region";
import { write } from "../store/write";
import { judge, type Guard, type GuardLimits, type Verdict } from "./guard";

/** Applies the answer of a registry: additions and changes at once, removals when the guard allows them. */

/** The servers that an upstream must have. */
export interface Wanted {
  /** The name of the upstream, and the stamp that distinguishes it from earlier upstreams of that name. */
  name: string;
  stamp: number;
  source: SourceMark;
  /** No two of them have the same address. */
  servers: readonly WantedServer[];
  /** False: the answer was applied before. */
  is_new: boolean;
  guard: Guard;
  limits: GuardLimits;
  /** Tells whether a newer answer has arrived since. */
  is_stale: (this: void) => boolean;
  /** The server whose host name was looked up; undefined: the answer is that of a registry. */
  host: HostRecord | undefined;
}

/** The result of applying an answer. */
export interface Outcome {
  problem: Problem | undefined;
  /** The upstream after the last write; undefined: it was deleted, or there is a problem. */
  document: Document | undefined;
  verdict: Verdict;
  /** The servers that the answer does not name and that are kept, unless the verdict is "removes". */
  unwanted: string[];
  misfits: Misfit[];
  /** True: nothing was written, because a newer answer has arrived. */
  is_stale: boolean;
}

/**
 * Limits of one write: it adds or changes at most this many servers, or this fraction of the upstream's
 * servers if that is more. The time of a write also grows with the number of all servers, so longer lists
 * need larger portions.
 */
const SMALLEST_PORTION = 250;
const PORTIONS = 16;

function fingerprint(servers: readonly WantedServer[]): string {
  const addresses = servers.map(({ name }) => name);
  table.sort(addresses);
  return table.concat(addresses, " ");
}

/** Returns the number of the source's servers, and the addresses of those that the answer does not name. */
function owned_and_unwanted(
  current: Document,
  source: SourceMark,
  servers: readonly WantedServer[],
): LuaMultiReturn<[number, string[]]> {
  const named = set_of(servers.map(({ name }) => name));
  const owned = sourced_addresses(current, source);
  const unwanted = owned.filter((address) => !named.has(canonical_address(address)));
  return $multi(owned.length, unwanted);
}

/** Asks the guard for a verdict on an answer, once before the first of its writes. */
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

/** Writes a portion of an answer. Returns whether another write must follow. */
function write_portion(wanted: Wanted, outcome: Outcome, is_first: boolean): boolean {
  const portion: Portion = { most: SMALLEST_PORTION, is_last: true };
  const [document, problem] = write(wanted.name, DISCOVERY, (current, revision) => {
    if (current === undefined || stamp_of(current.row) !== wanted.stamp) return $multi(current, undefined);
    // A server with a host name may have been changed or removed while its name was looked up.
    outcome.is_stale = wanted.is_stale() || (wanted.host !== undefined && !has_host(current, wanted.host));
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
 * Applies an answer, additions and changes first. A long list takes several writes, so that the worker serves
 * requests between them. Phases that can sleep.
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
    pause();
    goes_on = write_portion(wanted, outcome, false);
  }
  return outcome;
}
