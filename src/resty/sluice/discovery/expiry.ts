import { GUARD_DEFAULTS } from "../config/discovery";
import { seconds_of } from "../config/time";
import * as clock from "../lib/clock";
import { iso8601 } from "../lib/iso8601";
import { new_job } from "../lib/job";
import { pause } from "../lib/pause";
import { keys_of } from "../lib/tables";
import { is_clustered } from "../store/document/clustered";
import type { Document } from "../store/document/document";
import {
  expires,
  extend,
  keep_expired,
  registered_nodes,
  without_nodes,
  type NodeRecord,
} from "../store/document/nodes";
import { EXPIRY } from "../store/history/author";
import { record_problem } from "../store/memory/events";
import { follow_registered, new_registered } from "../store/registered";
import { cluster_report } from "../store/source_status";
import { write } from "../store/write";
import { judge, new_guard, type Guard, type Verdict } from "./guard";

/**
 * Removes servers that registered themselves and have not renewed their registration. One worker does this.
 */

interface Memory {
  guard: Guard;
  /** The last verdict on servers whose registration has ended. */
  verdict: Verdict;
}

const REST_SECONDS = 10;
/** After this time without an answer of etcd, in seconds, renewals at other gateways may have been missed. */
const HEARING_SECONDS = 3;
/**
 * Delay of renewals at other gateways, in seconds: up to a second until they are sent, and the transmission.
 */
const LATE_SECONDS = 2;

const registered = new_registered();
const memories = new LuaTable<string, Memory | undefined>();

function memory_of(name: string): Memory {
  const known = memories.get(name);
  if (known !== undefined) return known;
  const memory: Memory = { guard: new_guard(), verdict: "removes" };
  memories.set(name, memory);
  return memory;
}

/**
 * Returns since when this gateway has received all renewals: 0 without a cluster, infinite without etcd. A
 * registration that was renewed elsewhere before has its full `ttl` from then on.
 */
function heard_since(now: number): number {
  if (!is_clustered()) return 0;
  const { last_success, since } = cluster_report() ?? {};
  const is_heard = last_success !== undefined && now - last_success < HEARING_SECONDS;
  return is_heard ? (since ?? math.huge) : math.huge;
}

/** Returns the registrations that have ended. Those from an earlier run have their full `ttl` from now on. */
function expired(nodes: readonly NodeRecord[], now: number): NodeRecord[] {
  const over: NodeRecord[] = [];
  const last = is_clustered() ? now - LATE_SECONDS : now;
  const since = heard_since(now);
  for (const record of nodes) {
    const end = expires(record);
    if (end === 0) extend(record, now);
    else if (math.max(end, since + seconds_of(record.node.ttl)) <= last) over.push(record);
  }
  return over;
}

function fingerprint(nodes: readonly NodeRecord[]): string {
  return nodes.map(({ id }) => id).join(" ");
}

function log_verdict(name: string, before: Verdict, { verdict }: Memory, over: readonly NodeRecord[]): void {
  if (verdict === "removes") {
    for (const { node, server } of over) {
      const what = `node "${node.name}" has not renewed its registration: ${server} is removed`;
      ngx.log(ngx.NOTICE, `sluice: upstream ${name}: ${what}`);
    }
  } else if (verdict !== before) {
    const what = `${over.length} servers have not renewed their registration`;
    const why = verdict === "empty" ? "the last servers are kept" : "the removals wait for confirmation";
    ngx.log(ngx.WARN, `sluice: upstream ${name}: ${what}: ${why}`);
  }
}

/** Records events for servers that the guard keeps although their registration has ended. */
function record_kept(name: string, kept: readonly NodeRecord[]): void {
  for (const record of kept) {
    const { id, server, node } = record;
    const time = iso8601(clock.wall_time_of(expires(record)));
    const reason = `the registration of node "${node.name}" ended at ${time}, and the guard keeps the server`;
    const problem = "registration_expired";
    record_problem(ngx.NOTICE, { upstream: name, id, server, problem, expired: true, expires: time, reason });
  }
}

/** The servers of an upstream whose registration has ended, and the change that follows. */
interface Outcome {
  next: Document;
  over: NodeRecord[];
  /** The servers among them that the guard keeps, and has not kept before. */
  kept: NodeRecord[];
}

/** Decides under the lock, so that no server can register or renew meanwhile. */
function without_expired(current: Document, entry: Memory, now: number): Outcome {
  const nodes = registered_nodes(current);
  const over = expired(nodes, now);
  const step = {
    owned: nodes.length,
    removed: over.length,
    wanted: nodes.length - over.length,
    answer: fingerprint(over),
    is_new: true,
  };
  entry.verdict = judge(entry.guard, step, current.discovery ?? GUARD_DEFAULTS, now);
  if (entry.verdict === "removes") return { next: without_nodes(current, over), over, kept: [] };
  return { next: current, over, kept: over.filter((record) => keep_expired(record)) };
}

/** Removes the servers of an upstream whose registration has ended. Returns the cause of a failure. */
function expire(name: string, nodes: readonly NodeRecord[]): string | undefined {
  const now = clock.now();
  if (expired(nodes, now).length === 0) return undefined;
  const memory = memory_of(name);
  const before = memory.verdict;
  let outcome: Outcome | undefined;
  const [, problem] = write(name, EXPIRY, (current) => {
    if (current === undefined) return $multi(undefined, undefined);
    outcome = without_expired(current, memory, now);
    return $multi(outcome.next, undefined);
  });
  if (problem !== undefined) return problem.text;
  const { over, kept } = outcome ?? { over: [], kept: [] };
  if (over.length > 0) log_verdict(name, before, memory, over);
  record_kept(name, kept);
  return undefined;
}

/** Lets the worker serve requests. Returns false when it exits. */
function pause_for_requests(this: void): boolean {
  pause();
  return !ngx.worker.exiting();
}

function expire_all(this: void): string | undefined {
  if (!follow_registered(registered, pause_for_requests)) return undefined;
  for (const [name] of pairs(memories)) {
    if (!registered.nodes.has(name)) memories.delete(name);
  }
  for (const name of keys_of(registered.nodes)) {
    const nodes = registered.nodes.get(name);
    const cause = nodes === undefined ? undefined : expire(name, nodes);
    if (cause !== undefined) return `upstream ${name}: ${cause}`;
  }
  return undefined;
}

/** Removes servers whose registration has ended, as the guard permits. Phase: timer, often. */
export const remove_expired = new_job({
  verb: "remove servers whose registration has ended",
  rest: REST_SECONDS,
  run: expire_all,
});
