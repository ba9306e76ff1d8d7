import { canonical_address } from "../config/address";
import type { Problem } from "../config/problem";
import type { ServerConfig } from "../config/server";
import * as clock from "../lib/clock";
import type { Document } from "../store/document";
import { stamp_of } from "../store/region";
import {
  fitting_servers,
  replace_sourced,
  sourced_addresses,
  type Misfit,
  type SourceMark,
} from "../store/sourced";
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
  servers: readonly ServerConfig[];
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

function as_set(servers: readonly ServerConfig[]): LuaSet<string> {
  const set = new LuaSet<string>();
  for (const { server } of servers) set.add(canonical_address(server));
  return set;
}

/** Equal for equal sets of addresses. */
function fingerprint(servers: readonly ServerConfig[]): string {
  const addresses: string[] = [];
  for (const { server } of servers) addresses.push(canonical_address(server));
  table.sort(addresses);
  return table.concat(addresses, " ");
}

function judge_step(
  current: Document,
  wanted: Wanted,
  servers: readonly ServerConfig[],
  outcome: Outcome,
): void {
  const { source, guard, limits, is_new } = wanted;
  const named = as_set(servers);
  const owned = sourced_addresses(current, source);
  const unwanted: string[] = [];
  for (const address of owned) {
    if (!named.has(canonical_address(address))) unwanted.push(address);
  }
  const step = {
    owned: owned.length,
    removed: unwanted.length,
    wanted: servers.length,
    answer: unwanted.length === 0 ? "" : fingerprint(servers),
    is_new,
  };
  outcome.verdict = judge(guard, step, limits, clock.now());
  outcome.unwanted = unwanted;
}

/** Makes the servers that a source has brought to an upstream those that it says there are. Phases that can sleep. */
export function apply_wanted(wanted: Wanted): Outcome {
  const outcome: Outcome = {
    problem: undefined,
    document: undefined,
    verdict: "removes",
    unwanted: [],
    misfits: [],
    is_stale: false,
  };
  const [document, problem] = write(wanted.name, (current, revision) => {
    if (current === undefined || stamp_of(current.row) !== wanted.stamp) return $multi(current, undefined);
    outcome.is_stale = wanted.is_stale();
    if (outcome.is_stale) return $multi(current, undefined);
    const { source } = wanted;
    outcome.misfits = [];
    const servers = fitting_servers(current, source, wanted.servers, outcome.misfits);
    judge_step(current, wanted, servers, outcome);
    return replace_sourced(current, source, servers, outcome.verdict !== "removes", revision);
  });
  outcome.document = document;
  outcome.problem = problem;
  return outcome;
}
