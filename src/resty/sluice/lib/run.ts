/**
 * Light threads of one timer. nginx frees their memory when it ends, so each timer lives for a limited time.
 */
export interface Run {
  /** The number of pieces of work that it has done. */
  done: number;
  /** The number of its running threads. */
  busy: number;
  threads: LightThread[];
}

/** Background work that continues for as long as the worker does it. */
export interface Background {
  /** What the work does; the log says "could not <verb>". */
  verb: string;
  /** Works until the run is complete, or the work is over. */
  round: (this: void, run: Run) => void;
  /** Returns whether this worker must end the work. */
  is_over: (this: void) => boolean;
  /** Called when a round has failed, before the next. */
  recover?: ((this: void) => void) | undefined;
  /** Returns whether a thread is in a step during which it must not be killed. */
  is_critical: (this: void) => boolean;
}

/** The work of a thread, piece by piece: returns false when nothing is left. */
export type Work = (this: void) => boolean;

/** The number of pieces of work after which a run ends. */
const LARGEST_RUN = 500;
const WATCH_SECONDS = 0.1;
/** The time that running threads have to end by themselves when the worker exits, in seconds. */
const GRACE_SECONDS = 1.2;

const SECONDS_AFTER_FAILURE = 1;

/** Logs a raised error. Returns a text for the API, which shows no file names of the program. */
export function internal_error(raised: unknown): string {
  ngx.log(ngx.ERR, `sluice: ${tostring(raised)}`);
  return "an internal error occurred; the error log has the details";
}

/** Returns a run for the timer that calls this. */
function new_run(): Run {
  return { done: 0, busy: 0, threads: [] };
}

/** Returns whether the next run must continue. */
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

/** Starts a thread that works until nothing is left. */
export function start_thread(run: Run, work: Work): void {
  run.busy += 1;
  run.threads.push(ngx.thread.spawn(thread_body, run, work));
}

/** Waits until all threads of a run have ended. Threads that delay the worker's exit are killed. */
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

/** Starts background work, in one timer after the other. Phases that have timers. */
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
