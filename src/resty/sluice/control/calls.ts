import * as clock from "../lib/clock";
import { backoff } from "../net/backoff";
import { wait_for } from "../net/wait";
import { is_clustered } from "../store/document/clustered";
import type { Document } from "../store/document/document";
import { read } from "../store/document/read";
import { UpstreamRow } from "../store/memory/cells";
import { is_over } from "../store/memory/generation";
import { shared_memory } from "../store/memory/region";
import { write, write_own } from "../store/write";
import type { Controlled } from "./controlled";
import { call_webhook, TIMEOUT_SECONDS } from "./webhook";

/** The calls of webhooks that are due: each is made until it is answered, and stands in the state till then. */

/** After a call in vain, in seconds: twice as long each time, up to the other; less by chance, by half at most. */
const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 30;
/** A worker that is to end waits so long for an answer, in seconds. */
const GRACE_SECONDS = 1.2;
/** Who does not answer for so long is called no more: it would be late. */
const LONGEST_TIME = 600;
/** A call and telling what became of it take no longer. */
export const CALL_SECONDS = 10;

/** Whether the last decision of an upstream has not had its effect yet: then there is no other. */
export function is_call_pending({ row, call }: Controlled, now: clock.Moment): boolean {
  return call !== undefined || now < shared_memory()[row + UpstreamRow.PENDING_UNTIL];
}

/** Changes what the state says of a call, if it still does. Returns the cause when it fails. */
function change_call(
  write_it: typeof write,
  name: string,
  id: string,
  change: (next: Document) => void,
): string | undefined {
  const [, problem] = write_it(name, (current) => {
    if (current?.call?.id !== id) return $multi(current, undefined);
    const next = { ...current };
    change(next);
    return $multi(next, undefined);
  });
  return problem === undefined ? undefined : `could not note what became of its call: ${problem.text}`;
}

/** Forgets a call, for all gateways; from now on the cooldown counts. Returns the cause when it fails: then the call is not made again. */
function forget_call(name: string, id: string): string | undefined {
  const cause = change_call(write, name, id, (next) => {
    next.call = undefined;
    // Others may have decided since, if they had to think that this gateway was lost.
    if (next.scaling?.id === id) next.scaling = { id, time: clock.wall_time() };
  });
  if (cause === undefined) return undefined;
  change_call(write_own, name, id, (next) => {
    if (next.call !== undefined) next.call = { ...next.call, is_heard: true };
  });
  return cause;
}

/**
 * Tells the other gateways that a call will be made again: until then they do not decide. While they cannot
 * be told they cannot decide, either. Returns the cause when it fails.
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
 * Makes sure that no other gateway has decided anew while this one was stopped or cut off. An announcement
 * does: etcd refuses one that is not based on the latest version of the upstream. Returns the cause when etcd
 * does not answer.
 */
function confirm_decision(upstream: Controlled, id: string): string | undefined {
  if (!is_clustered() || clock.now() + TIMEOUT_SECONDS < upstream.memo.sure_until) return undefined;
  // No two pauses are equal, so that each announcement is a write.
  return announce_call(upstream, id, math.random());
}

function warn(name: string, what: string): void {
  ngx.log(ngx.WARN, `sluice: upstream ${name}: ${what}`);
}

/** Tells whether to wait no more for an answer. */
function new_patience(): (this: void) => boolean {
  let until = 0;
  return () => {
    if (until === 0 && is_over()) until = clock.now() + GRACE_SECONDS;
    return until > 0 && clock.now() > until;
  };
}

/**
 * Makes the call, unless it would be too late, or another decision has come since. Returns the cause when it
 * has to be made again.
 */
function try_call(upstream: Controlled, id: string): string | undefined {
  const { name, row, autoscale, call } = upstream;
  const unconfirmed = confirm_decision(upstream, id);
  if (unconfirmed !== undefined) return `its webhook is not called now: ${unconfirmed}`;
  const webhook = autoscale?.webhook;
  const age = clock.now() - shared_memory()[row + UpstreamRow.SCALED_AT];
  const is_wanted = read(name)?.scaling?.id === id && age < LONGEST_TIME;
  if (call === undefined || webhook === undefined || !is_wanted) {
    warn(name, `its webhook is called no more for decision ${id}`);
    return undefined;
  }
  const [, cause] = wait_for(() => call_webhook(webhook, call, clock.wall_time()), new_patience());
  return cause === undefined ? undefined : `could not call its webhook: ${cause}`;
}

/** Makes a call once, or, when that has been answered, forgets it. */
function make_call(upstream: Controlled, id: string): void {
  const { name, row, memo, call } = upstream;
  const memory = shared_memory();
  const is_heard = call?.is_heard === true || memo.answered === id;
  // For a worker that takes over: this one may be at it still.
  memory[row + UpstreamRow.CALL_DUE] = clock.now() + TIMEOUT_SECONDS + 1;
  let cause = is_heard ? undefined : try_call(upstream, id);
  if (cause === undefined) {
    memo.answered = id;
    cause = forget_call(name, id);
  }
  memo.failures = cause === undefined ? 0 : memo.failures + 1;
  if (memo.failures === 1) warn(name, cause ?? "");
  const longest_pause = backoff(memo.failures - 1, FIRST_PAUSE, LONGEST_PAUSE);
  const pause = longest_pause * (0.5 + math.random() / 2);
  memory[row + UpstreamRow.CALL_DUE] = clock.now() + pause;
  if (cause !== undefined && memo.answered !== id) announce_call(upstream, id, pause);
}

/** Makes the call of an upstream if it has one that is due, in a light thread of its own. Phase: timer. */
export function make_due_call(upstream: Controlled, now: number): void {
  const { name, row, memo, call } = upstream;
  if (call === undefined || memo.is_calling || now < shared_memory()[row + UpstreamRow.CALL_DUE]) return;
  memo.is_calling = true;
  const [timer, cause] = ngx.timer.at(0, (premature) => {
    const [returned, failure] = premature ? [true] : pcall(make_call, upstream, call.id);
    memo.is_calling = false;
    if (!returned) ngx.log(ngx.ERR, `sluice: ${tostring(failure)}`);
  });
  if (timer !== undefined) return;
  memo.is_calling = false;
  warn(name, `could not start a timer: ${cause ?? ""}`);
}
