import { note_check } from "../health/active";
import type { Subject } from "../health/subject";
import * as clock from "../lib/clock";
import { enqueue, first_of, leave, new_fifo } from "../lib/fifo";
import { is_complete, start_background, start_thread, type Run } from "../lib/run";
import { Row } from "../store/memory/cells";
import { is_over } from "../store/memory/generation";
import { is_writing } from "../store/memory/lock";
import { shared_memory } from "../store/memory/region";
import { ask_agent, note_answer } from "./answers";
import { due_next, is_too_late, next_due, schedule, take_due } from "./due";
import { probe } from "./probe";
import { follow_changes, turns, type Target } from "./targets";

/**
 * Probes the servers of upstreams that have a `health_check`. Each is probed by one worker, that of its row; when it is
 * due stands in shared memory, so that whoever takes its place goes on in the same rhythm.
 */

/** How many probes a worker has under way, and how many agents it asks beside them: however many hang, checks go on. */
const MOST_AT_ONCE = 512;
const MOST_AGENTS_AT_ONCE = 256;
/** The bounds of the time between two looks at the clock and the changes, in seconds. */
const SHORTEST_PAUSE = 0.01;
const LONGEST_PAUSE = 0.1;
const SECONDS_BETWEEN_WARNINGS = 60;

let run: Run;
let under_way = 0;
let being_asked = 0;
let warned = 0;

/** Those whose agents are to be asked: beside the checks, so that neither waits for the other. */
const agents = new_fifo<Target>();

/** Notes when a target is due after this turn. Returns false when the turn is not to be taken. */
function claim(target: Target, now: number): boolean {
  const memory = shared_memory();
  // A row that is another's: the server has gone.
  const { row, incarnation } = target.subject;
  if (memory[row + Row.STAMP] !== incarnation) return false;
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

/** Says that no verdict is possible: whoever is short of connections must not take all servers for ill. */
function warn({ upstream_name, server }: Subject, cause: string): void {
  const now = clock.now();
  if (now - warned < SECONDS_BETWEEN_WARNINGS) return;
  warned = now;
  ngx.log(ngx.WARN, `sluice: could not probe ${server} of upstream ${upstream_name}: ${cause}`);
}

function probe_target(this: void, target: Target): void {
  const { check, destination, subject } = target;
  const [passed, reason, answer] = probe(check, destination);
  if (passed === undefined) warn(subject, reason);
  else note_check(subject, check, passed, reason, clock.now());
  if (answer !== undefined) note_answer(target, answer);
}

/** Probes the target whose turn it is. Returns false when there is none. */
function probe_next(this: void): boolean {
  const target = is_over() ? undefined : take_next();
  if (target === undefined) return false;
  target.is_busy = true;
  under_way += 1;
  const [returned, failure] = pcall(probe_target, target);
  under_way -= 1;
  target.is_busy = false;
  if (!returned) error(failure, 0);
  return true;
}

/** Asks the agent whose turn it is. Returns false when there is none. */
function ask_next(this: void): boolean {
  const target = is_over() ? undefined : first_of(agents);
  if (target === undefined) return false;
  leave(agents, target);
  being_asked += 1;
  const [returned, failure] = pcall(ask_agent, target);
  being_asked -= 1;
  target.is_asked = false;
  if (!returned) error(failure, 0);
  return true;
}

function is_due(): boolean {
  const due = next_due(turns);
  return due !== undefined && due <= clock.now() && !is_over();
}

function start_due(): void {
  while (under_way < MOST_AT_ONCE && is_due()) start_thread(run, probe_next);
  while (being_asked < MOST_AGENTS_AT_ONCE && agents.size > 0 && !is_over()) start_thread(run, ask_next);
}

/** Until the next target is due, or something may have changed. */
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

/** Has this worker probe its share of the servers from now on. Phase: init_worker_by_lua. */
export function start_prober(): void {
  start_background({
    verb: "probe",
    round: probe_for_a_while,
    is_over,
    is_critical: is_writing,
  });
}
