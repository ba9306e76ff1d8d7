import type { UpstreamTemplate } from "../../config/upstream_template";
import { new_guard, type Guard, type Verdict } from "../guard";
import type { Entry, Feed } from "../source";
import { current_template } from "./current";
import type { Gone } from "./gone";
import { new_trouble, type Trouble } from "./trouble";

/** What a worker knows of the registry that feeds many upstreams. */

/** Why an upstream of the registry is not made, or not deleted. */
export interface Refusal {
  reason: string;
  /** True: it remains until the registry's entries of this upstream change. */
  is_final: boolean;
}

/** The memory of the template. It outlives the sessions. */
export interface Memory {
  feed: Feed;
  template: UpstreamTemplate;
  /** The registry's entries by upstream. A list may be empty: the upstream exists, but has no servers. */
  groups: LuaTable<string, Entry[] | undefined>;
  /** The reasons why entries belong to no upstream, by their keys. */
  misplaced: LuaTable<string, string>;
  refusals: LuaTable<string, Refusal | undefined>;
  gone: LuaTable<string, Gone | undefined>;
  /** The upstreams of which this worker has had entries. In a cluster, it deletes no others. */
  seen: LuaSet<string>;
  /** The upstreams of other registries that this worker has taken over. */
  adopted: LuaSet<string>;
  /** True: the registry has answered as a whole. Until then, no entries are no reason to delete anything. */
  has_answered: boolean;
  /** The guard of the set of upstreams, and its last verdict. */
  guard: Guard;
  verdict: Verdict;
  /** The registry's own counter of changes, as text; "": the registry has none. */
  revision: string;
  /** Why upstreams could not be made or taken over, and why they could not be deleted. */
  making: Trouble;
  deleting: Trouble;
  /** The feed's `changes` when its subscriptions were last looked at. */
  changes: number;
  /** When missing upstreams were last looked for, by the monotonic clock. */
  looked: number;
  report: string;
  /** The number of skipped entries in the report, and when it was made, by the monotonic clock. */
  skipped: number;
  reported: number;
  /** True: the report is out of date. */
  is_outdated: boolean;
}

let memory: Memory | undefined;

/** Returns the memory of the template that a feed follows; undefined: `setup` has none. */
export function memory_of(feed: Feed): Memory | undefined {
  const template = current_template();
  if (template === undefined) return undefined;
  memory ??= {
    feed,
    template,
    groups: new LuaTable(),
    misplaced: new LuaTable(),
    refusals: new LuaTable(),
    gone: new LuaTable(),
    seen: new LuaSet(),
    adopted: new LuaSet(),
    has_answered: false,
    guard: new_guard(),
    verdict: "removes",
    revision: "",
    making: new_trouble(),
    deleting: new_trouble(),
    changes: -1,
    looked: 0,
    report: "",
    skipped: 0,
    reported: 0,
    is_outdated: false,
  };
  return memory;
}
