import type { DiscoveryBlock, SourceName } from "../config/discovery";
import type { ServerConfig } from "../config/server";
import type { Attempts } from "../net/backoff";
import type { Cell } from "../store/memory/cells";
import type { Guard } from "./guard";

/** The contract of the sources: what a registry's file has to do, and what it gets. */

/** What a registry says of one server: the server, or why it cannot be one. */
export interface Entry {
  /** What the registry calls it. */
  key: string;
  server?: ServerConfig;
  problem?: string;
}

/** What is known of the addresses of one family that a name has in DNS. */
export interface KnownAddresses {
  /** Sorted, as nginx writes them; undefined: nobody has answered yet. */
  hosts: string[] | undefined;
  /** Of the answer, in seconds; `math.huge`: it has none. */
  ttl: number;
  /**
   * How often the question has failed since, when to ask it again at the earliest, and the cause of the last
   * failure.
   */
  failures: number;
  not_before: number;
  cause: string | undefined;
}

/** An upstream that follows a registry. */
export interface Subscription {
  name: string;
  discovery: DiscoveryBlock;
  /** Where the shared cells of the upstream are, and what tells it from others that had them. */
  row: Cell;
  stamp: number;
  guard: Guard;
  feed: Feed;
  /** The last answer; undefined: none yet. */
  entries: Entry[] | undefined;
  /** True: it is being applied now, perhaps in several writes. */
  is_applying: boolean;
  /** True: there is nothing in it that waits. */
  is_settled: boolean;
  /** Of the upstream, when the answer was last applied. */
  revision: number;
  /** The registry's own count of its changes, as text; "": it has none. */
  registry_revision: string;
  /** What DNS knows of its SRV targets, by question. It outlives a session that has failed. */
  addresses: LuaTable<string, KnownAddresses | undefined>;
  /**
   * With SRV records: the servers that the upstream had before the first answer and that no answer has named
   * since, by canonical address; undefined: there was no answer yet.
   */
  earlier: LuaSet<string> | undefined;
  /** What was reported last. */
  report: string;
}

/** What is read of one registry, for one upstream or for several. */
export interface Feed extends Attempts {
  /** Upstreams with the same key share a feed. */
  key: string;
  source: SourceName;
  /** By upstream. */
  subscriptions: LuaTable<string, Subscription>;
  /** Rises when one comes or goes. */
  changes: number;
  /** Whether a session is under way. */
  is_busy: boolean;
  /** When the next session may begin after a failure, by the monotonic clock. */
  not_before: number;
  /** When the registry last answered, by the monotonic clock; undefined: never. */
  last_success: number | undefined;
}

/** A kind of registry. */
export interface Source {
  /** Tells which upstreams can share a feed. `config`: the source's part of `discovery`. */
  key_of: (this: void, name: string, config: object) => string;
  /**
   * Follows the registry for all subscriptions of a feed: calls `answer` with every server there is whenever that has
   * changed, and again after `CONFIRM_SECONDS` when it returns false. Ends when `is_closed` says so, when something has
   * failed, and after some minutes at the latest, so that nothing is kept for ever.
   *
   * @returns the cause of a failure; undefined: none
   */
  follow: (this: void, feed: Feed) => string | undefined;
}

/** After so long whatever waits for equal answers is asked for again. */
export const CONFIRM_SECONDS = 1;
/** How long a session may last. */
export const SESSION_SECONDS = 300;
