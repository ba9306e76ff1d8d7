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

/** A question to Consul. */
export interface ConsulQuestion {
  path: string;
  /** The arguments, each `name=value`. */
  args: readonly string[];
}

/** A question for the servers of an upstream. */
export interface ServersQuestion extends ConsulQuestion {
  /** Reads an answer. Returns its entries, or undefined and the cause of a failure. */
  read: (this: void, answer: Answer) => Result<Entry[]>;
}

/** The question that is asked for one upstream. */
export interface BlockingQuery extends ServersQuestion {
  consul: ConsulAddress;
}

/** A client of one Consul. */
export interface ConsulClient {
  service: Service;
  headers: string[];
  datacenter: string | undefined;
  /** Tells whether answers are not needed any more. */
  is_over: (this: void) => boolean;
}

interface QuerySession {
  subscription: Subscription;
  query: BlockingQuery;
  client: ConsulClient;
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

function uri_with({ path, args }: ConsulQuestion, datacenter: string | undefined, index: number): string {
  const all = args.slice();
  if (datacenter !== undefined) all.push(`dc=${ngx.escape_uri(datacenter)}`);
  if (index > 0) all.push(string.format("index=%d&wait=%ds", index, WAIT_SECONDS));
  return all.length === 0 ? path : `${path}?${table.concat(all, "&")}`;
}

/**
 * Makes a client. `purpose` is that of `service_at`. `at_once`: the number of questions at the same time. Any
 * phase.
 */
export function new_consul_client(
  { address, datacenter, tls, token }: ConsulAddress,
  purpose: string,
  is_over: (this: void) => boolean,
  at_once = 1,
): ConsulClient {
  const service = service_at(address, tls?.verify ?? true, purpose);
  service.destination.most_idle = at_once;
  const headers = ["Accept: application/json"];
  if (token !== undefined) headers.push(`X-Consul-Token: ${token}`);
  return { service, headers, datacenter, is_over };
}

/**
 * Asks Consul. `index`: that of the last answer, after which Consul waits for a change; 0: it answers at
 * once. Phases that have cosockets.
 */
export function ask_consul(client: ConsulClient, question: ConsulQuestion, index: number): Result<Answer> {
  const { service, headers, datacenter, is_over } = client;
  const text = service_request(service, "GET", uri_with(question, datacenter, index), headers);
  const timeout = index > 0 ? LONGEST_WAIT_SECONDS + TIMEOUT_SECONDS : TIMEOUT_SECONDS;
  return ask_service(service, text, timeout, LARGEST_ANSWER, is_over);
}

/** Asks once and applies the answer. Returns the cause of a failure. */
function ask_once(session: QuerySession): string | undefined {
  const { subscription, query } = session;
  const { feed } = subscription;
  const [got, cause] = ask_consul(session.client, query, session.index);
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
  const purpose = `${subscription.feed.source} ${subscription.name}`;
  const client = new_consul_client(query.consul, purpose, () => is_closed(subscription.feed));
  const session: QuerySession = { subscription, query, client, index: 0 };
  return { step: () => ask_once(session) };
}
