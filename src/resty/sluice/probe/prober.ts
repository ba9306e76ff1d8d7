import { note_check } from "../health/active";
import * as clock from "../lib/clock";
import { enqueue, first_of, leave, new_fifo } from "../lib/fifo";
import { is_turn_long } from "../lib/pause";
import { is_complete, start_background, start_thread, type Run } from "../lib/run";
import { Row } from "../store/memory/cells";
import { is_over } from "../store/memory/generation";
import { is_writing } from "../store/memory/lock";
import { use_rare_cells } from "../store/memory/rare_cells";
import { shared_memory } from "../store/memory/region";
import type { Subject } from "../store/memory/subject";
import { ask_agent, note_answer } from "./answers";
import { due_next, is_too_late, next_due, schedule, take_due } from "./due";
import { probe } from "./probe";
import { follow_changes, turns, type Target } from "./targets";

/**
 * Probes the servers of upstreams that have a `health_check`. The row of a server selects its worker. The
 * time of the next probe is in shared memory, so that a worker that takes over keeps the rhythm.
 */

/** Limits of the probes and of the questions to agents that a worker has in progress. */
const MOST_AT_ONCE = 512;
const MOST_AGENTS_AT_ONCE = 256;
/** Bounds of the time between two rounds, in seconds. */
const SHORTEST_PAUSE = 0.01;
const LONGEST_PAUSE = 0.1;
const SECONDS_BETWEEN_WARNINGS = 60;

let run: Run;
let probes_in_progress = 0;
let agents_in_progress = 0;
let warned_at = 0;

/** The targets whose agents must be asked. */
const agents = new_fifo<Target>();

/** Schedules the probe after this one. Returns false if this one must be skipped. */
function claim(target: Target, now: number): boolean {
  const memory = shared_memory();
  // The server was deleted, and its row may belong to another one.
  const { row, incarnation } = target.subject;
  if (memory[row + Row.STAMP] !== incarnation) return false;
  // Another worker has already made this probe.
  use_rare_cells(row);
  const noted = memory[row + Row.PROBE_DUE];
  if (noted > target.key) {
    schedule(turns, target, noted);
    return false;
  }
  const due = due_next(target, target.key, now, math.random());
  const is_timely = !is_too_late(target, now);
  if (target.agent !== undefined && !target.is_asked && is_timely) {
    target.is_asked = true;
    enqueue(agents, target);
  }
  const is_taken = !target.is_busy && is_timely;
  memory[row + Row.PROBE_DUE] = due;
  schedule(turns, target, due);
  return is_taken;
}

function take_next(): Target | undefined {
  const now = clock.now();
  let target = take_due(turns, now);
  while (target !== undefined && !claim(target, now)) target = take_due(turns, now);
  return target;
}

/** Logs that a probe could not be made: a shortage on this side says nothing about the server. */
function warn({ upstream, server }: Subject, cause: string): void {
  const now = clock.now();
  if (now - warned_at < SECONDS_BETWEEN_WARNINGS) return;
  warned_at = now;
  ngx.log(ngx.WARN, `sluice: could not probe ${server} of upstream ${upstream.name}: ${cause}`);
}

function probe_target(this: void, target: Target): void {
  const { check, destination, subject } = target;
  const [passed, reason, answer] = probe(check, destination);
  if (target.is_dropped) return;
  if (passed === undefined) warn(subject, reason);
  else note_check(subject, check, passed, reason, clock.now());
  if (answer !== undefined) note_answer(target, answer);
}

/** Probes the next target that is due. Returns false if none is due. */
function probe_next(this: void): boolean {
  const target = is_over() ? undefined : take_next();
  if (target === undefined) return false;
  target.is_busy = true;
  probes_in_progress += 1;
  const [returned, failure] = pcall(probe_target, target);
  probes_in_progress -= 1;
  target.is_busy = false;
  if (!returned) error(failure, 0);
  return true;
}

/** Asks the next agent. Returns false if there is none. */
function ask_next(this: void): boolean {
  const target = is_over() ? undefined : first_of(agents);
  if (target === undefined) return false;
  leave(agents, target);
  agents_in_progress += 1;
  const [returned, failure] = pcall(ask_agent, target);
  agents_in_progress -= 1;
  target.is_asked = false;
  if (!returned) error(failure, 0);
  return true;
}

function is_due(): boolean {
  const due = next_due(turns);
  return due !== undefined && due <= clock.now() && !is_over();
}

/** Starts what is due, as far as there is time in this turn: hundreds may be due at once. */
function start_due(): void {
  while (probes_in_progress < MOST_AT_ONCE && !is_turn_long() && is_due()) start_thread(run, probe_next);
  while (agents_in_progress < MOST_AGENTS_AT_ONCE && agents.size > 0 && !is_turn_long() && !is_over())
    start_thread(run, ask_next);
}

/** Sleeps until the next probe is due, or an upstream may have changed. */
function wait(): void {
  const left = (next_due(turns) ?? math.huge) - clock.now();
  ngx.sleep(math.max(SHORTEST_PAUSE, math.min(LONGEST_PAUSE, left)));
}

function pause(this: void): boolean {
  start_due();
  ngx.sleep(SHORTEST_PAUSE);
  return !is_over();
}

function probe_for_a_while(this: void, own_run: Run): void {
  run = own_run;
  while (!is_complete(run) && !is_over()) {
    follow_changes(pause);
    start_due();
    wait();
  }
}

/** Starts the task that probes this worker's share of the servers. Phase: init_worker_by_lua. */
export function start_prober(): void {
  start_background({ verb: "probe", round: probe_for_a_while, is_over, is_critical: is_writing });
}
