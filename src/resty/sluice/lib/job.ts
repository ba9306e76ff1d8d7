import * as clock from "./clock";

/** Jobs that a worker does beside requests, started by timers. */

export interface Job {
  /** What the job does; the log says "could not <verb>". */
  verb: string;
  /** How long the job rests after a failure, in seconds. */
  rest: number;
  /** Does the work once. Returns the cause when it fails. May sleep and may raise. */
  run: (this: void) => string | undefined;
}

/** Returns a function that runs a job, unless it is still running or rests after a failure. */
export function new_job({ verb, rest, run }: Job): (this: void) => void {
  let is_running = false;
  let not_before = 0;
  return () => {
    if (is_running || clock.now() < not_before) return;
    is_running = true;
    const [returned, cause] = pcall(run);
    is_running = false;
    if (returned && cause === undefined) return;
    not_before = clock.now() + rest;
    ngx.log(returned ? ngx.WARN : ngx.ERR, `sluice: could not ${verb}: ${tostring(cause)}`);
  };
}

/** Runs `action` once in a timer, because it may wait, and then `after` with the cause if it has failed. */
export function run_soon(action: (this: void) => unknown, after: (this: void, cause: unknown) => void): void {
  const [timer, no_timer] = ngx.timer.at(0, (premature) => {
    const [returned, cause] = premature ? [true] : pcall(action);
    after(cause);
    if (cause !== undefined) ngx.log(returned ? ngx.WARN : ngx.ERR, `sluice: ${tostring(cause)}`);
  });
  if (timer !== undefined) return;
  after(undefined);
  ngx.log(ngx.WARN, `sluice: could not start a timer: ${no_timer ?? ""}`);
}

/**
 * Calls a function at an interval for as long as the worker runs. Phases that have timers.
 *
 * @param action must not block for long; a call does not wait for the end of the one before
 * @param last_action called instead when the worker exits
 */
export function every(
  seconds: number,
  action: (this: void) => void,
  last_action?: (this: void) => void,
): void {
  const [timer, cause] = ngx.timer.every(seconds, (premature) => {
    if (!premature && !ngx.worker.exiting()) action();
    else last_action?.();
  });
  if (timer === undefined) ngx.log(ngx.WARN, `sluice: could not start a timer: ${cause ?? ""}`);
}
