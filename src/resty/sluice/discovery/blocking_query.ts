import type { ConsulAddress } from "../config/sources/consul";
import * as clock from "../lib/clock";
import { format_request, request, type Answer } from "../net/request";
import { service_at, type Service } from "../net/service";
import { sleep_until, wait_for } from "../net/wait";
import { CONFIRM_SECONDS, type Entry, type Feed, type Subscription } from "./source";
import { answer, is_closed, note_success, run_session } from "./subscription";

/**
 * Consul's blocking queries (https://developer.hashicorp.com/consul/api-docs/features/blocking): a question that names the
 * index of the last answer is answered when there is something new, or when its time is over.
 */

/** What is asked for one upstream. */
export interface BlockingQuery {
  place: ConsulAddress;
  /** A path with at least one argument. */
  uri: string;
  /** Returns what an answer says, or undefined and the cause. */
  read: (this: void, answer: Answer) => LuaMultiReturn<[Entry[] | undefined, string | undefined]>;
}

interface Session {
  feed: Feed;
  subscription: Subscription;
  query: BlockingQuery;
  service: Service;
  headers: string[];
  /** Of the last answer; 0: the next is to come at once. */
  index: number;
}

/** How long Consul is to wait for something new. It adds up to a sixteenth, so that not all come back at once. */
const WAIT_SECONDS = 30;
const WAIT_AND_MORE = WAIT_SECONDS + WAIT_SECONDS / 16;
/** How long an answer may take for which there is nothing to wait. */
const TIMEOUT_SECONDS = 3;
const LARGEST_ANSWER = 16777216;
/** From an answer with something new to the next question, so that a registry that changes often has a rest. */
const PAUSE_SECONDS = 0.1;

/** The name of the source in messages. */
export const CONSUL = "consul";

/** The header that tells the index of an answer. */
const INDEX_HEADER = "x-consul-index";

/** The index of an answer; 0: it has none. */
export function index_of({ headers }: Answer): number {
  const [digits] = string.match(headers[INDEX_HEADER] ?? "", "^%d+$");
  return tonumber(digits) ?? 0;
}

function uri_of({ query, index }: Session): string {
  const parts = [query.uri];
  const { datacenter } = query.place;
  if (datacenter !== undefined) parts.push(`dc=${ngx.escape_uri(datacenter)}`);
  if (index > 0) parts.push(string.format("index=%d&wait=%ds", index, WAIT_SECONDS));
  return table.concat(parts, "&");
}

function ask(session: Session): LuaMultiReturn<[Answer | undefined, string | undefined]> {
  const { feed, service, headers, index } = session;
  const text = format_request("GET", uri_of(session), headers);
  const timeout = index > 0 ? WAIT_AND_MORE + TIMEOUT_SECONDS : TIMEOUT_SECONDS;
  return wait_for(
    () => request(service.destination, text, timeout, LARGEST_ANSWER),
    () => is_closed(feed),
  );
}

/** One question and its answer. Returns the cause when something fails. */
function go_on(session: Session): string | undefined {
  const { feed, subscription, query } = session;
  const [got, cause] = ask(session);
  if (got === undefined) return cause;
  const [entries, unread] = query.read(got);
  if (entries === undefined) return unread;
  const before = session.index;
  const index = index_of(got);
  const is_settled = answer(subscription, entries, string.format("%d", index));
  note_success(feed);
  // Consul that was restored from a snapshot counts from an earlier index on: to wait for a later one would be in vain.
  session.index = is_settled && index >= before ? index : 0;
  // Without a later index it has no index at all, or has not waited for one.
  const has_news = session.index > before;
  const rest = has_news && is_settled ? PAUSE_SECONDS : CONFIRM_SECONDS;
  sleep_until(clock.now() + rest, () => is_closed(feed));
  return undefined;
}

/** Asks again and again, as `Source.follow` says. Returns the cause of a failure. Phases that can sleep. */
export function follow_query(
  feed: Feed,
  subscription: Subscription,
  query: BlockingQuery,
): string | undefined {
  const { address, tls, token } = query.place;
  const service = service_at(address, tls?.verify ?? true, `${feed.source} ${subscription.name}`);
  const headers = ["Accept: application/json"];
  for (const header of service.headers) headers.push(header);
  if (token !== undefined) headers.push(`X-Consul-Token: ${token}`);
  const session: Session = { feed, subscription, query, service, headers, index: 0 };
  return run_session(feed, () => go_on(session));
}
