import { new_heap, pop, push, type HeapEntry } from "../../../src/resty/sluice/lib/heap";
import { new_random, type Random } from "../../../bench/load/random";

/**
 * The virtual world of one run: its time, its random numbers, and what it says about itself. Everything that
 * happens follows from the seed.
 */

interface Planned extends HeapEntry {
  action: (this: void) => void;
}

export interface World {
  /** The monotonic clock of the machine, in seconds, and how far the time of day is ahead of it. */
  now: number;
  wall_offset: number;
  random: Random;
  plans: ReturnType<typeof new_heap<Planned>>;
  /** Makes plans of the same moment run in the order in which they were made. */
  plan_count: number;
  trace: string[];
  /** What is wrong, and the name of the check that found it. */
  failures: { check: string; text: string }[];
  /** What has happened, by the name of a fault; it shows that the faults are really tried. */
  counts: LuaTable<string, number>;
  /** Closes what the world has opened in this process. */
  closers: ((this: void) => void)[];
}

/** The time of the first action. 0 means in shared memory that something has never happened. */
const START = 1000;
const WALL_START = 1_700_000_000;

/** Makes a world without anything in it. */
export function new_world(seed: number): World {
  return {
    now: START,
    wall_offset: WALL_START - START,
    random: new_random(seed),
    plans: new_heap<Planned>(),
    plan_count: 0,
    trace: [],
    failures: [],
    counts: new LuaTable(),
    closers: [],
  };
}

/** Plans an action after some seconds. */
export function after(world: World, seconds: number, action: (this: void) => void): void {
  world.plan_count += 1;
  push(world.plans, { key: world.now + seconds + world.plan_count * 1e-12, place: 0, action });
}

/** Runs what is planned until a time. Ends early after a failure. */
export function run_until(world: World, time: number): void {
  while (world.plans.size > 0 && world.failures.length === 0) {
    const planned = pop(world.plans);
    if (planned.key > time) {
      push(world.plans, planned);
      break;
    }
    world.now = math.max(world.now, planned.key);
    planned.action();
  }
  world.now = math.max(world.now, time);
}

/** Writes a line of the trace. */
export function note(world: World, text: string): void {
  world.trace.push(string.format("%10.6f  %s", world.now - START, text));
}

/** Records that a promise is broken. */
export function fail(world: World, check: string, text: string): void {
  note(world, `FAILED ${check}: ${text}`);
  world.failures.push({ check, text });
}

/** Counts something that happens. */
export function count(world: World, what: string): void {
  world.counts.set(what, ((world.counts.get(what) as number | undefined) ?? 0) + 1);
}

/** Returns a whole number from 0 up to, but not including, a bound. */
export function below(random: Random, bound: number): number {
  return math.floor(random() * bound);
}

/** Returns whether something with a probability happens. */
export function happens(random: Random, probability: number): boolean {
  return random() < probability;
}
