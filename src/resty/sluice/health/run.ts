/**
 * Light threads that share a timer. What a timer's threads take of nginx's memory is given back when it ends, so each
 * lives for some time only, and the next goes on.
 */
export interface Run {
  /** How much it has done. */
  done: number;
  /** How many of its threads work. */
  busy: number;
  threads: LightThread[];
}

/** What a thread does, piece by piece: returns false when there is nothing more to do. */
export type Work = (this: void) => boolean;

/** After so much work a run ends. */
const LARGEST_RUN = 500;
const WATCH_SECONDS = 0.1;
/** What is under way when the worker is to end has this long to end by itself, in seconds. */
const GRACE_SECONDS = 0.5;

/** Begins a run in the timer that calls this. */
export function new_run(): Run {
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
export function end_run(run: Run): void {
  let grace = GRACE_SECONDS;
  while (run.busy > 0 && grace > 0) {
    ngx.sleep(WATCH_SECONDS);
    if (ngx.worker.exiting()) grace -= WATCH_SECONDS;
  }
  if (run.busy === 0) return;
  for (const thread of run.threads) ngx.thread.kill(thread);
}
