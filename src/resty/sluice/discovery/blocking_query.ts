import type { ConsulAddress } from "../config/sources/consul";
import type { Result } from "../lib/result";
import type { Answer } from "../net/request";
import { ask_service, service_at, service_request, type Service } from "../net/service";
import { is_closed, note_success, rest, type Session } from "./session";
import { CONFIRM_SECONDS, type Entry, type Subscription } from "./source";
import { answer } from "./subscription";

/**
 * Consul's blocking queries (https://developer.hashicorp.com/consul/api-docs/features/blocking). A query
 * names the index of the last answer. Consul answers when the data has changed, or when the wait time is
 * over.
 */

/** The question that is asked for one upstream. */
export interface BlockingQuery {
  consul: ConsulAddress;
  path: string;
  /** The arguments, each `name=value`. */
  args: readonly string[];
  /** Reads an answer. Returns its entries, or undefined and the cause of a failure. */
  read: (this: void, answer: Answer) => Result<Entry[]>;
}

interface QuerySession {
  subscription: Subscription;
  query: BlockingQuery;
  service: Service;
  headers: string[];
  /** The index of the last answer; 0: the next query must be answered at once. */
  index: number;
}

/** How long Consul waits for a change. Consul adds up to a sixteenth, which spreads the answers over time. */
const WAIT_SECONDS = 30;
const LONGEST_WAIT_SECONDS = WAIT_SECONDS + WAIT_SECONDS / 16;
/** Time limit of an answer, in addition to the wait time. */
const TIMEOUT_SECONDS = 3;
const LARGEST_ANSWER = 16777216;
/** Delay after an answer that has changed, so that frequent changes are applied together. */
const PAUSE_SECONDS = 0.1;

/** The name of the registry in messages. */
export const CONSUL = "consul";

const INDEX_HEADER = "x-consul-index";

/** Returns the index of an answer; 0: the answer has none. */
export function index_of({ headers }: Answer): number {
  const [digits] = string.match(headers[INDEX_HEADER] ?? "", "^%d+$");
  return tonumber(digits) ?? 0;
}

function uri_of({ query, index }: QuerySession): string {
  const args = [...query.args];
  const { datacenter } = query.consul;
  if (datacenter !== undefined) args.push(`dc=${ngx.escape_uri(datacenter)}`);
  if (index > 0) args.push(string.format("index=%d&wait=%ds", index, WAIT_SECONDS));
  return args.length === 0 ? query.path : `${query.path}?${table.concat(args, "&")}`;
}

function ask(session: QuerySession): Result<Answer> {
  const { subscription, service, headers, index } = session;
  const text = service_request(service, "GET", uri_of(session), headers);
  const timeout = index > 0 ? LONGEST_WAIT_SECONDS + TIMEOUT_SECONDS : TIMEOUT_SECONDS;
  return ask_service(service, text, timeout, LARGEST_ANSWER, () => is_closed(subscription.feed));
}

/** Asks once and applies the answer. Returns the cause of a failure. */
function ask_once(session: QuerySession): string | undefined {
  const { subscription, query } = session;
  const { feed } = subscription;
  const [got, cause] = ask(session);
  if (got === undefined) return cause;
  const [entries, unread] = query.read(got);
  if (entries === undefined) return unread;
  const before = session.index;
  const index = index_of(got);
  const is_settled = answer(subscription, entries, string.format("%d", index));
  note_success(feed);
  // After a restore from a snapshot Consul counts from an earlier index. Waiting for a later one would be in
  // vain.
  session.index = is_settled && index >= before ? index : 0;
  // Without a later index, Consul has not waited for a change, or sends no index at all.
  const has_changed = session.index > before;
  rest(feed, has_changed && is_settled ? PAUSE_SECONDS : CONFIRM_SECONDS);
  return undefined;
}

/** Begins a session that repeats a query. Any phase. */
export function query_session(subscription: Subscription, query: BlockingQuery): Session {
  const { address, tls, token } = query.consul;
  const purpose = `${subscription.feed.source} ${subscription.name}`;
  const service = service_at(address, tls?.verify ?? true, purpose);
  const headers = ["Accept: application/json"];
  if (token !== undefined) headers.push(`X-Consul-Token: ${token}`);
  const session: QuerySession = { subscription, query, service, headers, index: 0 };
  return { step: () => ask_once(session) };
}
