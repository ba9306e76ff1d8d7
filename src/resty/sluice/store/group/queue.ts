import * as semaphore from "ngx.semaphore";
import type { Problem } from "../../config/problem";
import * as clock from "../../lib/clock";
import { run_soon } from "../../lib/job";
import { new_pause } from "../../lib/pause";
import { not_saved } from "../commit";
import { busy } from "../document/problems";
import { acquire, give_way, Lock, release } from "../memory/lock";
import { count_write_time } from "../memory/write_times";
import { close_group, open_group, room_in_group, type Group } from "./group";

/**
 * The changes of this worker that wait for the write lock. A timer leads them: it takes the lock, lets each
 * waiting change join the group in its own coroutine, because an edit may ask for its request, and then
 * closes the group. Changes that come meanwhile are the next group.
 */

/** The write must be made without others, and nothing has changed. */
export const ALONE = "alone";

/** Why a change has not been made in a group. */
export type Hindrance = Problem | typeof ALONE;

/** A change that waits. */
interface Ticket {
  /** Its turn to join has come, or it cannot. */
  turn: semaphore.Semaphore;
  /** The group is closed. */
  closed: semaphore.Semaphore;
  group: OpenGroup | undefined;
  is_over: boolean;
  problem: Hindrance | undefined;
}

/** A group that changes join. */
interface OpenGroup {
  group: Group;
  /** The number of changes that have still to join. */
  awaited: number;
  joined: semaphore.Semaphore;
  is_open: boolean;
}

/** How long a group waits for a change to join, in seconds: its coroutine may have died. */
const PATIENCE_SECONDS = 1;
const LONGEST_WAIT_SECONDS = 3600;

let waiting: Ticket[] = [];
/** A timer leads, or is about to. */
let is_led = false;
/** The timer has run. It does not if nginx has too many timers. */
let has_begun = false;

function new_ticket(): Ticket {
  const [turn, closed] = [semaphore.new(0), semaphore.new(0)];
  return { turn, closed, group: undefined, is_over: false, problem: undefined };
}

/** Tells changes what has become of their group. */
function end(tickets: readonly Ticket[], problem: Hindrance | undefined): void {
  for (const ticket of tickets) {
    ticket.is_over = true;
    ticket.problem = problem;
    ticket.turn.post();
    ticket.closed.post();
  }
}

/** Takes the changes that may join the next group, without those whose coroutine has died. */
function take(most: number): Ticket[] {
  waiting = waiting.filter(({ turn }) => turn.count() < 0);
  const taken = waiting.slice(0, most);
  waiting = waiting.slice(most);
  return taken;
}

/** Lets changes join a group, one after another. */
function let_join(group: Group, tickets: readonly Ticket[]): void {
  const open = { group, awaited: tickets.length, joined: semaphore.new(0), is_open: true };
  for (const ticket of tickets) {
    ticket.group = open;
    ticket.turn.post();
  }
  open.joined.wait(PATIENCE_SECONDS);
  open.is_open = false;
}

/** Makes the changes of a group. Returns the problem for which none has happened. Under the write lock. */
function make_group(this: void, tickets: readonly Ticket[]): Problem | undefined {
  const began = clock.kernel_now();
  const group = open_group();
  let_join(group, tickets);
  const problem = close_group(group, new_pause());
  if (problem !== undefined) return problem;
  const seconds = clock.kernel_now() - began;
  for (const _ of group.changes) count_write_time(seconds);
  return undefined;
}

/** As `make_group`, but raises nothing, and releases the lock. */
function try_group(tickets: readonly Ticket[]): Problem | undefined {
  let problem: Problem | undefined;
  const [returned, failure] = pcall(() => {
    problem = make_group(tickets);
  });
  release(Lock.WRITE);
  if (returned) return problem;
  ngx.log(ngx.ERR, `sluice: could not make a group of changes: ${tostring(failure)}`);
  return not_saved(tostring(failure));
}

/** Makes groups while changes wait. Phase: timer. */
function lead(this: void): void {
  has_begun = true;
  while (waiting.length > 0) {
    give_way();
    const [locked, cause] = acquire();
    const tickets = take(locked === undefined ? waiting.length : room_in_group());
    end(tickets, locked === undefined ? busy(cause) : try_group(tickets));
  }
}

/** Lets the changes that wait be made: each alone, if no timer can lead, as when the worker exits. */
function start_leader(): void {
  if (is_led) return;
  is_led = true;
  has_begun = false;
  run_soon(lead, () => {
    is_led = false;
    const left = waiting;
    waiting = [];
    end(left, ALONE);
  });
}

/** Waits for the turn of a change to join a group. */
function wait_for_turn(ticket: Ticket): void {
  while (ticket.group === undefined && !ticket.is_over) {
    ticket.turn.wait(has_begun ? LONGEST_WAIT_SECONDS : PATIENCE_SECONDS);
    if (!has_begun && waiting.includes(ticket)) {
      waiting = waiting.filter((other) => other !== ticket);
      is_led = false;
      end([ticket], ALONE);
    }
  }
}

/**
 * Calls `join` in a group of changes, when it is open; it must not yield, and returns whether what it has
 * found depends on the group. Returns why the group was not made, if it depends on it. Raises what `join`
 * raises. Phases that can sleep.
 */
export function in_group(join: (this: void, group: Group) => boolean): Hindrance | undefined {
  for (;;) {
    const ticket = new_ticket();
    waiting.push(ticket);
    start_leader();
    wait_for_turn(ticket);
    const open = ticket.group;
    if (open === undefined) return ticket.problem;
    if (open.is_open) {
      const [returned, depends] = pcall(join, open.group);
      open.awaited -= 1;
      if (open.awaited === 0) open.joined.post();
      if (!returned) error(depends, 0);
      if (!depends) return undefined;
      while (!ticket.is_over) ticket.closed.wait(LONGEST_WAIT_SECONDS);
      return ticket.problem;
    }
  }
}
