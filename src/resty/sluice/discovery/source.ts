import type { SourceName } from "../config/discovery";
import type { ServerConfig } from "../config/server";
import type { Attempts } from "../net/backoff";
import type { KnownAddresses } from "../net/dns/targets";
import type { SourceMark } from "../store/document/line";
import type { Cell } from "../store/memory/cells";
import type { Guard, GuardLimits } from "./guard";

/** The contract between the sources, one for each kind of registry, and the rest of discovery. */

/** An entry of a registry: a server, or the reason why it cannot be used as one. */
export interface Entry {
  key: string;
  server?: ServerConfig;
  problem?: string;
}

/** What a feed follows: a registry, or the host name of a server. */
export type FeedSource = SourceName | "resolve";

/** An upstream that follows a registry, or a host name. */
export interface Subscription {
  name: string;
  /** The source's part of the configuration. */
  config: object;
  limits: GuardLimits;
  /** What marks the source's servers in the upstream. */
  mark: SourceMark;
  /** The upstream's cells in shared memory, and the stamp that identifies the upstream there. */
  row: Cell;
  stamp: number;
  guard: Guard;
  feed: Feed;
  /** The last answer; undefined: none yet. */
  entries: Entry[] | undefined;
  /** True: the last answer is being applied, which may take several writes. */
  is_applying: boolean;
  /** True: no part of the last answer waits for confirmation. */
  is_settled: boolean;
  /** The revision of the upstream after the answer was last applied. */
  revision: number;
  /** The registry's own counter of changes, as text; "": the registry has none. */
  registry_revision: string;
  /** The addresses of SRV targets, by question. They are kept when a session fails. */
  addresses: LuaTable<string, KnownAddresses | undefined>;
  /**
   * With SRV records: the servers that the upstream had before the first answer and that no answer has named
   * since, by canonical address; undefined: there was no answer yet.
   */
  earlier: LuaSet<string> | undefined;
  report: string;
}

/** The connection to one registry, for one upstream or for several. */
export interface Feed extends Attempts {
  /** Upstreams with the same key share a feed. */
  key: string;
  source: FeedSource;
  /** The subscriptions by the names of their upstreams. */
  subscriptions: LuaTable<string, Subscription>;
  /** Counts the subscriptions that were added or removed. */
  changes: number;
  /** True: it is followed even without a subscription. */
  is_lasting: boolean;
  /** True: a session is in progress. */
  is_busy: boolean;
  /** When the next session may begin after a failure, by the monotonic clock. */
  not_before: number;
  /** When the registry last answered, by the monotonic clock; undefined: never. */
  last_success: number | undefined;
}

/** A source: the code that follows one kind of registry. */
export interface Source {
  /** Returns the key of an upstream's feed. `config` is the source's part of `discovery`. */
  key_of: (this: void, name: string, config: object) => string;
  /**
   * Follows the registry for all subscriptions of a feed. Calls `answer` with all entries whenever they have
   * changed, and again after `CONFIRM_SECONDS` if `answer` returns false. Ends when `is_closed` returns true,
   * when something fails, and after `SESSION_SECONDS`, so that no memory is held forever. Returns the cause
   * of a failure. Phases that can sleep.
   */
  follow: (this: void, feed: Feed) => string | undefined;
}

/** Delay until an answer that waits for confirmation is asked for again, in seconds. */
export const CONFIRM_SECONDS = 1;
/** Longest duration of a session, in seconds. */
export const SESSION_SECONDS = 300;
