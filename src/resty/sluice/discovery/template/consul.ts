import type { ConsulTemplateConfig } from "../../config/sources/consul";
import * as clock from "../../lib/clock";
import { is_equal } from "../../lib/json";
import type { Result } from "../../lib/result";
import { internal_error } from "../../lib/run";
import { items_of } from "../../lib/tables";
import { ask_consul, new_consul_client, type ConsulClient } from "../blocking_query";
import { is_closed, note_success, rest, run_session } from "../session";
import { keep_up, take_all, take_some, type Groups } from "./answer";
import { ask_services, read_services, SERVICES, type Services } from "./consul_services";
import { keep_failed, why_none, why_unreachable, with_failed, type Failed } from "./failed_services";
import type { Memory } from "./memory";
import { unfit_name } from "./names";
import { report_template } from "./report";
import {
  add_services,
  drop_service,
  new_service_queue,
  next_services,
  type ServiceQueue,
} from "./service_queue";

/**
 * Consul as the registry of a template: the services with a tag are upstreams. A blocking query follows the
 * list of services. Consul does not tell the service of which a check has changed, so each service is asked
 * for its passing instances in turn.
 */

interface ConsulSession {
  memory: Memory;
  client: ConsulClient;
  config: ConsulTemplateConfig;
  /** The index of the last list of services; 0: all must be asked for. */
  index: number;
  names: LuaSet<string>;
  misplaced: LuaTable<string, string>;
  /** The services whose instances are due. */
  queue: ServiceQueue;
  /** The services for which there was no usable answer last. */
  failed: Failed;
  /** When all instances became due, and when all were last applied, by the monotonic clock. */
  asked: number;
  applied: number;
  /** The answer to the blocking query, which has its own light thread. */
  listed: Services | undefined;
  cause: string | undefined;
  is_listing: boolean;
  is_over: boolean;
}

/** How many services are asked at the same time, and the delay before the next ones, in seconds. */
const AT_ONCE = 16;
const PAUSE_SECONDS = 0.1;
/** Interval at which each service is asked, in seconds, unless there are too many of them. */
const INTERVAL_SECONDS = 2;

function take_names(session: ConsulSession, { names, index }: Services): void {
  session.index = index >= session.index ? index : 0;
  session.names = new LuaSet();
  session.misplaced = new LuaTable();
  for (const name of names) {
    const unfit = unfit_name(name);
    if (unfit === undefined) session.names.add(name);
    else session.misplaced.set(name, unfit);
  }
}

function list(session: ConsulSession, index: number): Result<Services> {
  const [answer, cause] = ask_consul(session.client, SERVICES, index);
  if (answer === undefined) return $multi(undefined, cause);
  return read_services(answer, session.config.tag);
}

/** Waits for the next list of services in a light thread. */
function listen(session: ConsulSession): void {
  session.is_listing = true;
  ngx.thread.spawn(() => {
    const [returned, raised] = pcall(() => {
      [session.listed, session.cause] = list(session, session.index);
    });
    if (!returned) session.cause = internal_error(raised);
    session.is_listing = false;
  });
}

/** Asks for some services at the same time. Returns the cause if Consul cannot be reached. */
function ask(session: ConsulSession, names: readonly string[], groups: Groups): string | undefined {
  const { client, config, failed } = session;
  ask_services(client, config, names, groups, failed);
  return why_unreachable(failed, names, AT_ONCE);
}

/** Asks for all services and applies them. Returns the cause of a failure. */
function ask_for_all(session: ConsulSession): string | undefined {
  const { memory } = session;
  const { feed } = memory;
  session.index = 0;
  // Consul is asked for a newer list.
  session.listed = undefined;
  const [services, cause] = list(session, 0);
  if (services === undefined) return cause;
  take_names(session, services);
  session.failed = new LuaTable();
  const groups: Groups = new LuaTable();
  const names = items_of(session.names);
  for (let first = 0; first < names.length && !is_closed(feed); first += AT_ONCE) {
    if (first > 0) rest(feed, PAUSE_SECONDS);
    const unreachable = ask(session, names.slice(first, first + AT_ONCE), groups);
    if (unreachable !== undefined) return unreachable;
  }
  if (is_closed(feed)) return undefined;
  const { failed, misplaced } = session;
  const none = why_none(failed, session.names);
  if (none !== undefined) return none;
  keep_failed(memory, failed, groups);
  take_all(
    memory,
    groups,
    with_failed(memory, misplaced, failed, groups),
    string.format("%d", session.index),
  );
  session.queue = new_service_queue();
  session.asked = clock.now();
  session.applied = session.asked;
  return undefined;
}

/** Reports the services that have failed. */
function note_failed({ memory, misplaced, failed }: ConsulSession): void {
  memory.misplaced = with_failed(memory, misplaced, failed, memory.groups);
  report_template(memory);
}

/** Applies a new list of services: those that are gone at once, the others when they have been asked. */
function apply_list(session: ConsulSession, services: Services): void {
  const { memory } = session;
  const before = session.names;
  take_names(session, services);
  const gone = items_of(before).filter((name) => !session.names.has(name));
  for (const name of gone) {
    session.failed.delete(name);
    drop_service(session.queue, name);
  }
  note_failed(session);
  if (gone.length > 0) take_some(memory, new LuaTable(), gone, string.format("%d", session.index));
  // The list also changes when instances are added or removed.
  add_services(session.queue, session.names);
  session.asked = clock.now();
}

/** Asks some of the services that are due. Returns the cause of a failure. */
function ask_some(session: ConsulSession): string | undefined {
  const { memory, queue, failed, index } = session;
  const names = next_services(queue, AT_ONCE);
  if (names.length === 0) return undefined;
  const had_failed = next(failed)[0] !== undefined;
  const groups: Groups = new LuaTable();
  const cause = ask(session, names, groups) ?? why_none(failed, session.names);
  if (cause !== undefined) return cause;
  keep_failed(memory, failed, groups);
  const changed = names.filter((name) => {
    const is_confirmed = memory.feed.subscriptions.get(name)?.is_settled !== false || failed.has(name);
    return !is_confirmed || !is_equal(groups.get(name), memory.groups.get(name));
  });
  if (had_failed || next(failed)[0] !== undefined) note_failed(session);
  if (changed.length > 0) take_some(memory, groups, changed, string.format("%d", index));
  return undefined;
}

/** Tells whether upstreams wait for another list without them. */
function waits_for_list({ gone, verdict }: Memory): boolean {
  return next(gone)[0] !== undefined && verdict !== "empty";
}

/** Asks for what is due. Returns the cause of a failure. */
function step(session: ConsulSession): string | undefined {
  const { memory, listed, cause } = session;
  const now = clock.now();
  const is_due = now >= session.applied + INTERVAL_SECONDS;
  if (is_due && (session.index === 0 || waits_for_list(memory))) {
    const failed = ask_for_all(session);
    if (failed !== undefined) return failed;
  } else if (listed !== undefined) {
    session.listed = undefined;
    apply_list(session, listed);
  } else if (cause !== undefined) {
    return cause;
  }
  if (!session.is_listing && session.listed === undefined && session.index > 0) listen(session);
  if (now >= session.asked + INTERVAL_SECONDS && session.queue.fifo.size === 0) {
    add_services(session.queue, session.names);
    session.asked = now;
  }
  const failed = ask_some(session);
  if (failed !== undefined) return failed;
  note_success(memory.feed);
  keep_up(memory);
  rest(memory.feed, PAUSE_SECONDS);
  return undefined;
}

/** Follows the services of a template. */
export function consul(this: void, memory: Memory): string | undefined {
  const { feed, template } = memory;
  const config = template.consul as ConsulTemplateConfig;
  const session: ConsulSession = {
    memory,
    client: new_consul_client(config, "consul template", () => session.is_over || is_closed(feed), AT_ONCE),
    config,
    index: 0,
    names: new LuaSet(),
    misplaced: new LuaTable(),
    queue: new_service_queue(),
    failed: new LuaTable(),
    asked: 0,
    applied: 0,
    listed: undefined,
    cause: undefined,
    is_listing: false,
    is_over: false,
  };
  return run_session(feed, {
    step: () => step(session),
    close: () => {
      session.is_over = true;
    },
  });
}
