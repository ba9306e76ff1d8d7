import type { ConsulTemplateConfig } from "../../config/sources/consul";
import * as clock from "../../lib/clock";
import { is_equal } from "../../lib/json";
import type { Result } from "../../lib/result";
import { internal_error } from "../../lib/run";
import { items_of } from "../../lib/tables";
import { ask_consul, new_consul_client, type ConsulClient } from "../blocking_query";
import { is_closed, note_success, rest, run_session } from "../session";
import { CONFIRM_SECONDS } from "../source";
import { is_settled, keep_up, take_all, take_some, type Groups } from "./answer";
import { ask_services, read_services, SERVICES, type Services } from "./consul_services";
import type { Memory } from "./memory";
import { unfit_name } from "./names";

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
  due: LuaSet<string>;
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

/** Asks for all services and applies them. Returns the cause of a failure. */
function ask_for_all(session: ConsulSession): string | undefined {
  const { memory, client, config } = session;
  session.index = 0;
  const [services, cause] = list(session, 0);
  if (services === undefined) return cause;
  take_names(session, services);
  const groups: Groups = new LuaTable();
  const names = items_of(session.names);
  for (let first = 0; first < names.length && !is_closed(memory.feed); first += AT_ONCE) {
    const failed = ask_services(client, config, names.slice(first, first + AT_ONCE), groups);
    if (failed !== undefined) return failed;
  }
  if (is_closed(memory.feed)) return undefined;
  take_all(memory, groups, session.misplaced, string.format("%d", session.index));
  session.due = new LuaSet();
  session.asked = clock.now();
  session.applied = session.asked;
  return undefined;
}

/** Applies a new list of services: those that are gone at once, the others when they have been asked. */
function apply_list(session: ConsulSession, services: Services): void {
  const { memory } = session;
  const before = session.names;
  take_names(session, services);
  memory.misplaced = session.misplaced;
  const gone = items_of(before).filter((name) => !session.names.has(name));
  if (gone.length > 0) take_some(memory, new LuaTable(), gone, string.format("%d", session.index));
  // The list also changes when instances are added or removed.
  session.due = new LuaSet();
  for (const name of session.names) session.due.add(name);
  session.asked = clock.now();
}

/** Asks some of the services that are due. Returns the cause of a failure. */
function ask_some(session: ConsulSession): string | undefined {
  const { memory, client, config, due, index } = session;
  const names = items_of(due).slice(0, AT_ONCE);
  if (names.length === 0) return undefined;
  const groups: Groups = new LuaTable();
  const cause = ask_services(client, config, names, groups);
  if (cause !== undefined) return cause;
  for (const name of names) due.delete(name);
  const changed = names.filter((name) => !is_equal(groups.get(name), memory.groups.get(name)));
  if (changed.length > 0) take_some(memory, groups, changed, string.format("%d", index));
  return undefined;
}

/** Asks for what is due. Returns the cause of a failure. */
function step(session: ConsulSession): string | undefined {
  const { memory, listed, cause } = session;
  const now = clock.now();
  const is_due = now >= session.applied + CONFIRM_SECONDS;
  if (is_due && (session.index === 0 || !is_settled(memory))) {
    const failed = ask_for_all(session);
    if (failed !== undefined) return failed;
  } else if (listed !== undefined) {
    session.listed = undefined;
    apply_list(session, listed);
  } else if (cause !== undefined) {
    return cause;
  }
  if (!session.is_listing && session.listed === undefined && session.index > 0) listen(session);
  if (now >= session.asked + INTERVAL_SECONDS && items_of(session.due).length === 0) {
    for (const name of session.names) session.due.add(name);
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
    client: new_consul_client(config, "consul template", () => session.is_over || is_closed(feed)),
    config,
    index: 0,
    names: new LuaSet(),
    misplaced: new LuaTable(),
    due: new LuaSet(),
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
