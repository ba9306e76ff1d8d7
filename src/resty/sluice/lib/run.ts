/**
 * Light threads that share a timer. What a timer's threads take of nginx's memory is given back when it ends,
 * so each lives for some time only, and the next goes on.
 */
export interface Run {
  /** How much it has done. */
  done: number;
  /** How many of its threads work. */
  busy: number;
  threads: LightThread[];
}

/** Background work that goes on for as long as the worker does it. */
export interface Background {
  /** For the log: what it could not do. */
  verb: string;
  /** Does it until the run is complete, or it is over. */
  round: (this: void, run: Run) => void;
  /** Whether this worker is to do it no more. */
  is_over: (this: void) => boolean;
  /** Called when a round has failed, before the next. */
  recover?: ((this: void) => void) | undefined;
  /** Whether a thread is at something that it must not be killed at. */
  is_critical: (this: void) => boolean;
}

/** What a thread does, piece by piece: returns false when there is nothing more to do. */
export type Work = (this: void) => boolean;

/** After so much work a run ends. */
const LARGEST_RUN = 500;
const WATCH_SECONDS = 0.1;
/** What is under way when the worker is to end has this long to end by itself, in seconds. */
const GRACE_SECONDS = 1.2;

const SECONDS_AFTER_FAILURE = 1;

/**
 * Logs an error that the program has raised. Returns what the API says of it, which shows no file of the
 * program.
 */
export function internal_error(raised: unknown): string {
  ngx.log(ngx.ERR, `sluice: ${tostring(raised)}`);
  return "an internal error occurred; the error log has the details";
}

/** Begins a run in the timer that calls this. */
function new_run(): Run {
  return { done: 0, busy: 0, threads: [] };
}

/** Whether it is time for the next run. */
export function is_complete(run: Run): boolean {
  return run.done >= LARGEST_RUN;
}

function thread_body(this: void, run: Run, work: Work): void {
  let goes_on = true;
  while (goes_on) {
    const [returned, result] = pcall(work);
    if (!returned) ngx.log(ngx.ERR, `sluice: ${tostring(result)}`);
    run.done += 1;
    goes_on = returned && result && !is_complete(run);
  }
  run.busy -= 1;
}

/** Starts a thread that works until there is nothing more to do. */
export function start_thread(run: Run, work: Work): void {
  run.busy += 1;
  run.threads.push(ngx.thread.spawn(thread_body, run, work));
}

/** Waits until all threads of a run have ended; those that hold up the worker's exit are killed. */
function end_run(run: Run, { is_critical }: Background): void {
  let grace = GRACE_SECONDS;
  while (run.busy > 0 && (grace > 0 || is_critical())) {
    ngx.sleep(WATCH_SECONDS);
    if (ngx.worker.exiting()) grace -= WATCH_SECONDS;
  }
  if (run.busy === 0) return;
  for (const thread of run.threads) ngx.thread.kill(thread);
}

function go_on(this: void, work: Background): void {
  const run = new_run();
  const [returned, failure] = pcall(work.round, run);
  if (!returned) {
    ngx.log(ngx.ERR, `sluice: could not ${work.verb}: ${tostring(failure)}`);
    work.recover?.();
    ngx.sleep(SECONDS_AFTER_FAILURE);
  }
  start_background(work);
  end_run(run, work);
}

/** Does some work from now on, in one timer after the other. Phases that have timers. */
export function start_background(work: Background): void {
  while (!work.is_over()) {
    const [timer, cause] = ngx.timer.at(0, (premature) => {
      if (!premature) go_on(work);
    });
    if (timer !== undefined) return;
    ngx.log(ngx.WARN, `sluice: could not start a timer: ${cause ?? ""}`);
    ngx.sleep(SECONDS_AFTER_FAILURE);
  }
}
