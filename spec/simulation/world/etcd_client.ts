import type { Version } from "../../unit/support/etcd";
import { answer_to, digits, event_line, versions_of, type Body, type Etcd, type Watch } from "./etcd";
import { sleep } from "./process";
import { after, count, happens } from "./world";

/**
 * The way to etcd over a network that loses and delays: it replaces the modules `net/etcd/client` and
 * `net/stream`.
 */

/** How the network treats the calls of one gateway. */
export interface Link {
  /** True: no connection is made. */
  is_cut: boolean;
  /** The probabilities that a request, or only its answer, is lost, and that a request arrives late. */
  loses_requests: number;
  loses_answers: number;
  delays: number;
  /** How long a message takes at most, in seconds. */
  latency: number;
  /** What is to happen once when the gateway has listed the keys. */
  on_list: ((this: void) => void) | undefined;
}

const TIMEOUT_SECONDS = 2;
const TIMED_OUT = "could not read the answer: timeout";
/** The latency of a network that is well. */
export const LATENCY = 0.004;

export function new_link(): Link {
  return {
    ...{ is_cut: false, loses_requests: 0, loses_answers: 0, delays: 0 },
    ...{ latency: LATENCY, on_list: undefined },
  };
}

function note_list(link: Link): void {
  const { on_list } = link;
  link.on_list = undefined;
  on_list?.();
}

/** Calls etcd over a network. Returns the answer, or undefined and the cause. */
function call(
  etcd: Etcd,
  link: Link,
  path: string,
  body: Body,
): LuaMultiReturn<[object | undefined, string | undefined]> {
  const { world } = etcd;
  const { random } = world;
  sleep(random() * link.latency);
  if (link.is_cut) return $multi(undefined, "could not connect: connection refused");
  if (happens(random, link.loses_requests)) {
    count(world, "requests to etcd lost");
    sleep(TIMEOUT_SECONDS);
    return $multi(undefined, TIMED_OUT);
  }
  if (happens(random, link.delays)) {
    count(world, "requests to etcd late");
    after(world, TIMEOUT_SECONDS * 1.2 * random(), () => {
      answer_to(etcd, path, body);
    });
    sleep(TIMEOUT_SECONDS);
    return $multi(undefined, TIMED_OUT);
  }
  const answer = answer_to(etcd, path, body);
  if (body.range_end !== undefined && body.count_only !== true) note_list(link);
  if (happens(random, link.loses_answers)) {
    count(world, "answers of etcd lost");
    sleep(TIMEOUT_SECONDS);
    return $multi(undefined, TIMED_OUT);
  }
  sleep(random() * link.latency);
  if (typeof answer === "string") return $multi(undefined, answer);
  return $multi(answer, undefined);
}

const QUIET = "nothing has come";
const POLL_SECONDS = 0.02;

/** Returns the modules through which a process of a gateway reaches etcd. */
export function etcd_modules(etcd: Etcd, link: Link): Record<string, unknown> {
  return {
    "net/etcd/client": {
      ETCD: "etcd",
      TOO_LARGE: "the answer is too large",
      ANYTHING: { members: {} },
      LONGEST_PAGE_SECONDS: 10,
      new_etcd_client: () => ({ service: { destination: {} } }),
      log_in: () => true,
      etcd_request: (_client: object, _path: string, body: string) => body,
      call: (_client: object, path: string, body: Body) => call(etcd, link, path, body),
    },
    "net/stream": {
      describe: (status: number) => `status ${status}`,
      is_quiet: (cause: string | undefined) => cause === QUIET,
      close_stream: () => undefined,
      open_stream: (_destination: object, text: string) => open_stream(etcd, link, text),
      next_line: (watch: Watch, seconds: number) => next_line(etcd, link, watch, seconds),
    },
  };
}

function open_stream(
  etcd: Etcd,
  link: Link,
  text: string,
): LuaMultiReturn<[Watch | undefined, string | undefined]> {
  sleep(etcd.world.random() * link.latency);
  if (link.is_cut || etcd.world.now < etcd.leaderless_until)
    return $multi(undefined, "could not connect: connection refused");
  const from = tonumber(string.match(text, '"start_revision":"(%d+)"')[0]) ?? 0;
  const watch: Watch = { link, from, lines: [], cause: undefined };
  if (from <= etcd.compacted) {
    watch.lines.push(`{"result":{"canceled":true,"compact_revision":"${digits(etcd.compacted)}"}}`);
    return $multi(watch, undefined);
  }
  const missed: { key: string; version: Version }[] = [];
  for (const key of etcd.names) {
    for (const version of versions_of(etcd, key)) if (version.revision >= from) missed.push({ key, version });
  }
  table.sort(missed, (a, b) => a.version.revision < b.version.revision);
  for (const { key, version } of missed) watch.lines.push(event_line(key, version));
  etcd.watches.push(watch);
  return $multi(watch, undefined);
}

function next_line(
  etcd: Etcd,
  link: Link,
  watch: Watch,
  seconds: number,
): LuaMultiReturn<[string | undefined, string | undefined]> {
  const until = etcd.world.now + seconds;
  do {
    if (link.is_cut) watch.cause = "could not read the answer: connection reset by peer";
    const line = watch.cause === undefined ? watch.lines.shift() : undefined;
    if (line !== undefined) return $multi(line, undefined);
    if (watch.cause !== undefined) return $multi(undefined, watch.cause);
    sleep(POLL_SECONDS);
  } while (etcd.world.now < until);
  return $multi(undefined, QUIET);
}
