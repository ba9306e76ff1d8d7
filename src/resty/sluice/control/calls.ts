import * as clock from "../lib/clock";
import { run_soon } from "../lib/job";
import { backoff } from "../net/backoff";
import { wait_for } from "../net/wait";
import { is_clustered } from "../store/document/clustered";
import type { Document } from "../store/document/document";
import { read } from "../store/document/read";
import { AUTOSCALE } from "../store/history/author";
import { UpstreamRow } from "../store/memory/cells";
import { is_over } from "../store/memory/generation";
import { shared_memory } from "../store/memory/region";
import { write, write_own } from "../store/write";
import type { Controlled } from "./controlled";
import { is_answered, note_answered, set_call_due } from "./scaling_cells";
import { call_webhook, TIMEOUT_SECONDS } from "./webhook";

/** Makes the webhook calls that are due. A call is part of the state until it is answered. */

/** Bounds of the delay after a failed call, in seconds. It doubles each time; up to half is random. */
const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 30;
/** How long a worker that must end waits for an answer, in seconds. */
const GRACE_SECONDS = 1.2;
/** After this time, in seconds, an unanswered call is not repeated: the decision is outdated. */
const LONGEST_TIME = 600;
/** Upper bound on the duration of a call and of storing its result, in seconds. */
export const CALL_SECONDS = 10;

/** Tells whether the last decision has not had its effect yet. No other decision is made until then. */
export function is_call_pending({ row, call }: Controlled, now: clock.Moment): boolean {
  return call !== undefined || now < shared_memory()[row + UpstreamRow.PENDING_UNTIL];
}

/** Changes a call in the state, if it is still there. Returns the cause of a failure. */
function change_call(
  write_it: typeof write,
  name: string,
  id: string,
  change: (next: Document) => void,
): string | undefined {
  const [, problem] = write_it(name, AUTOSCALE, (current) => {
    if (current?.call?.id !== id) return $multi(current, undefined);
    const next = { ...current };
    change(next);
    return $multi(next, undefined);
  });
  return problem === undefined
    ? undefined
    : `could not store the result of the webhook call: ${problem.text}`;
}

/**
 * Removes an answered call from the state of all gateways, and begins the cooldown. If that fails, the call
 * is marked as answered here, so that it is not repeated after a restart. Returns the cause of a failure.
 */
function forget_call(name: string, id: string): string | undefined {
  const cause = change_call(write, name, id, (next) => {
    next.call = undefined;
    // Other gateways may have decided since, because they took this gateway for dead.
    if (next.scaling?.id === id) next.scaling = { id, time: clock.wall_time() };
  });
  if (cause === undefined) return undefined;
  change_call(write_own, name, id, (next) => {
    if (next.call !== undefined) next.call = { ...next.call, is_heard: true };
  });
  return cause;
}

/**
 * Announces to the other gateways that a call will be repeated, so that they do not decide until then. If
 * that fails, they cannot reach etcd for a decision either. Returns the cause of a failure.
 */
function announce_call({ name, memo }: Controlled, id: string, pause: number): string | undefined {
  if (!is_clustered()) return undefined;
  const now = clock.now();
  const wait = pause + CALL_SECONDS;
  const cause = change_call(write, name, id, (next) => {
    if (next.scaling?.id === id) next.scaling = { ...next.scaling, wait };
  });
  if (cause === undefined) memo.sure_until = now + wait;
  return cause;
}

/**
 * Verifies by an announcement that no other gateway has decided while this one was stopped or cut off: etcd
 * refuses a write that is not based on the latest version. Returns the cause if etcd does not answer.
 */
function confirm_decision(upstream: Controlled, id: string): string | undefined {
  if (!is_clustered() || clock.now() + TIMEOUT_SECONDS < upstream.memo.sure_until) return undefined;
  // A random delay makes each announcement different from the last, so that it is a write.
  return announce_call(upstream, id, math.random());
}

function warn(name: string, text: string): void {
  ngx.log(ngx.WARN, `sluice: upstream ${name}: ${text}`);
}

/** Makes a function that tells whether to stop waiting for an answer. */
function new_grace_period(): (this: void) => boolean {
  let until = 0;
  return () => {
    if (until === 0 && is_over()) until = clock.now() + GRACE_SECONDS;
    return until > 0 && clock.now() > until;
  };
}

/** Makes the call, unless it is too late. Returns the cause of a failure, after which it is repeated. */
function try_call(upstream: Controlled, id: string): string | undefined {
  const { name, row, autoscale, call } = upstream;
  const unconfirmed = confirm_decision(upstream, id);
  if (unconfirmed !== undefined) return `the webhook is not called now: ${unconfirmed}`;
  const webhook = autoscale?.webhook;
  const age = clock.now() - shared_memory()[row + UpstreamRow.SCALED_AT];
  const is_wanted = read(name)?.scaling?.id === id && age < LONGEST_TIME;
  if (call === undefined || webhook === undefined || !is_wanted) {
    warn(name, `the webhook is not called any more for decision ${id}`);
    return undefined;
  }
  const [, cause] = wait_for(() => call_webhook(webhook, call, clock.wall_time()), new_grace_period());
  return cause === undefined ? undefined : `could not call the webhook: ${cause}`;
}

/** Makes a call once. Removes it from the state if it is answered, or was answered before. */
function make_call(upstream: Controlled, id: string): void {
  const { name, memo, call } = upstream;
  let is_heard = call?.is_heard === true || is_answered(upstream, id);
  // A worker that takes over must not call while this worker may still be waiting for the answer.
  set_call_due(upstream, clock.now() + TIMEOUT_SECONDS + 1);
  let cause = is_heard ? undefined : try_call(upstream, id);
  if (cause === undefined) {
    is_heard = true;
    note_answered(upstream, id);
    cause = forget_call(name, id);
  }
  memo.failures = cause === undefined ? 0 : memo.failures + 1;
  if (memo.failures === 1) warn(name, cause ?? "");
  const longest_pause = backoff(memo.failures - 1, FIRST_PAUSE, LONGEST_PAUSE);
  const pause = longest_pause * (0.5 + math.random() / 2);
  set_call_due(upstream, clock.now() + pause);
  if (cause !== undefined && !is_heard) announce_call(upstream, id, pause);
}

/** Makes the call of an upstream in its own timer, if one is due. Phase: timer. */
export function make_due_call(upstream: Controlled, now: number): void {
  const { row, memo, call } = upstream;
  if (call === undefined || memo.is_calling || now < shared_memory()[row + UpstreamRow.CALL_DUE]) return;
  memo.is_calling = true;
  run_soon(
    () => {
      make_call(upstream, call.id);
    },
    () => {
      memo.is_calling = false;
    },
  );
}
