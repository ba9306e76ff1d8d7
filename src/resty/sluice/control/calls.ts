import { wait_for } from "../net/wait";
import { UpstreamRow } from "../store/cells";
import { is_clustered } from "../store/clustered";
import type { Document } from "../store/document";
import { shared_memory } from "../store/region";
import { is_over } from "../store/turn";
import { write, write_own } from "../store/write";
import type { Controlled } from "./controlled";
import { call_webhook } from "./webhook";

/** The calls of webhooks that are due: each is made until it is answered, and stands in the state till then. */

/** How a call is coming on. */
interface Attempt {
  id: string;
  /** How often it was in vain, and when it is made next, in seconds since 1970. */
  failures: number;
  due: number;
  is_under_way: boolean;
}

const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 30;
/** Who has not listened for so long is told nothing: it would be late. */
const LONGEST_TIME = 600;
/** So long a call takes at most, and to tell the others what became of it. */
export const CALL_SECONDS = 10;

const attempts = new LuaTable<string, Attempt>();

function attempt_of({ name }: Controlled, id: string): Attempt {
  const known = attempts.get(name) as Attempt | undefined;
  if (known?.id === id) return known;
  const attempt = { id, failures: 0, due: 0, is_under_way: false };
  attempts.set(name, attempt);
  return attempt;
}

/** Changes what the state says of a call, if it still does. Returns the problem's text when it fails. */
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
  return problem?.text;
}

/**
 * Forgets a call, and lets all gateways decide again. Returns the cause when it fails: then it is to be tried anew, but not
 * the call.
 */
function forget_call(name: string, id: string): string | undefined {
  const cause = change_call(write, name, id, (next) => {
    next.call = undefined;
    // What was decided long ago begins to have an effect only now.
    if (next.scaling?.id === id) next.scaling = { id, time: ngx.now() };
  });
  if (cause === undefined) return undefined;
  change_call(write_own, name, id, (next) => {
    if (next.call !== undefined) next.call = { ...next.call, is_heard: true };
  });
  return cause;
}

/** Tells the other gateways that a call will be made again. When that fails they cannot decide, either. */
function announce_call(name: string, { id, due }: Attempt): void {
  if (!is_clustered()) return;
  change_call(write, name, id, (next) => {
    if (next.scaling?.id === id) next.scaling = { ...next.scaling, calling_until: due + CALL_SECONDS };
  });
}

function warn(name: string, what: string): void {
  ngx.log(ngx.WARN, `sluice: upstream ${name}: ${what}`);
}

/** Makes a call once, and sees to what becomes of it. */
function make_call(upstream: Controlled, attempt: Attempt): void {
  const { name, autoscale, call, scaling } = upstream;
  const webhook = autoscale?.webhook;
  if (call === undefined) return;
  // When others have decided since, they had waited for it.
  const is_late = scaling?.id !== call.id || ngx.now() - scaling.time > LONGEST_TIME;
  let cause: string | undefined;
  if (webhook === undefined || is_late) {
    warn(name, `its webhook is called no more for ${call.id}`);
  } else if (call.is_heard !== true) {
    [, cause] = wait_for(() => call_webhook(webhook, call, ngx.now()), is_over);
    if (is_over()) return;
  }
  cause ??= forget_call(name, call.id);
  if (cause === undefined) {
    shared_memory()[upstream.row + UpstreamRow.SCALED_AT] = ngx.now();
    return;
  }
  attempt.failures += 1;
  const pause = math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt.failures - 1));
  attempt.due = ngx.now() + pause * (0.5 + math.random() / 2);
  if (attempt.failures === 1) warn(name, `could not call its webhook: ${cause}`);
  announce_call(name, attempt);
}

/** Makes the call of an upstream if it has one that is due, in a light thread of its own. Phase: timer. */
export function make_due_call(upstream: Controlled, now: number): void {
  const { name, call } = upstream;
  if (call === undefined) {
    attempts.delete(name);
    return;
  }
  const attempt = attempt_of(upstream, call.id);
  if (attempt.is_under_way || now < attempt.due) return;
  attempt.is_under_way = true;
  const [timer, cause] = ngx.timer.at(0, (premature) => {
    if (premature) return;
    const [returned, failure] = pcall(make_call, upstream, attempt);
    attempt.is_under_way = false;
    if (!returned) ngx.log(ngx.ERR, `sluice: ${tostring(failure)}`);
  });
  if (timer !== undefined) return;
  attempt.is_under_way = false;
  warn(name, `could not start a timer: ${cause ?? ""}`);
}
