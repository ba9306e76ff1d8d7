import { after, below, count, fail, note, type World } from "./world";

/**
 * The processes of the world. A process runs one coroutine at a time, as nginx's event loop does. At each
 * step, which is an access to the dict, to the shared memory or to the C library, the process may be killed,
 * or another process may run: workers run at the same time.
 */

export interface Process {
  world: World;
  name: string;
  pid: number;
  is_alive: boolean;
  /** True: nginx has told the worker to end. */
  is_exiting: boolean;
  /** The coroutine that another process has interrupted. */
  interrupted: LuaThread | undefined;
  /** What waits until the interrupted coroutine has gone on. */
  waiting: ((this: void) => void)[];
  /** Called when the process is killed, before others run. */
  on_death: ((this: void) => void)[];
  /** The steps until it is killed, and until another process runs. */
  until_death: number;
  until_pause: number;
  /** The writes of files until it is killed in one; 0: it is not. */
  writes_left: number;
  /** The changes of shared memory until it is killed while it has a write under way; 0: it is not. */
  publishing_left: number;
  is_writing: boolean;
  /** True: the process is stopped (SIGSTOP). */
  stopped: boolean;
  /** The light threads that were killed. */
  ended: LuaSet<LuaThread>;
}

/** Why a coroutine yields, and for how long, in seconds. */
type Yield = "pause" | "block" | "sleep" | "wait" | "die";

const NEVER = math.huge;
/** The time that a step takes, in seconds. */
const STEP_SECONDS = 1e-6;
/** The mean number of steps from one interruption to the next. */
const STEPS_A_PAUSE = 150;
const LONGEST_PAUSE = 0.004;

let running: Process | undefined;

/** Returns the process that runs; undefined: the simulation itself. */
export function running_process(): Process | undefined {
  return running;
}

/** Looks at what processes share, without being one of them. */
export function outside<T>(look: (this: void) => T): T {
  const before = running;
  running = undefined;
  const result = look();
  running = before;
  return result;
}

function draw_pause({ random }: World): number {
  return 1 + below(random, 2 * STEPS_A_PAUSE);
}

export function new_process(world: World, name: string, pid: number): Process {
  return {
    world,
    name,
    pid,
    is_alive: true,
    is_exiting: false,
    interrupted: undefined,
    waiting: [],
    on_death: [],
    until_death: NEVER,
    until_pause: draw_pause(world),
    writes_left: 0,
    publishing_left: 0,
    is_writing: false,
    stopped: false,
    ended: new LuaSet(),
  };
}

/** Kills a process at once: nothing of it runs again. */
export function kill(process: Process, why: string): void {
  if (!process.is_alive) return;
  note(process.world, `${process.name} is killed ${why}`);
  process.is_alive = false;
  for (const action of process.on_death) action();
}

/** Kills a process after so many of its steps. */
export function kill_after(process: Process, steps: number): void {
  process.until_death = steps;
}

/** Kills a process in one of its next writes of files. */
export function kill_in_write(process: Process, writes: number): void {
  process.writes_left = writes;
}

/** Kills a process while it publishes a write, after so many changes of shared memory. */
export function kill_publishing(process: Process, changes: number): void {
  process.publishing_left = changes;
}

/** Notes that the running process begins or ends to journal and publish a write. */
export function note_writing(is_writing: boolean): void {
  if (running !== undefined) running.is_writing = is_writing;
}

/** Notes that the running process is about to change shared memory. */
export function note_change(): void {
  const process = running;
  if (process?.is_writing !== true || process.publishing_left === 0) return;
  process.publishing_left -= 1;
  if (process.publishing_left > 0) return;
  count(process.world, "killed while publishing");
  kill_after(process, 1);
}

/** A moment at which the process that runs may end, but no other one may run. */
export function may_die(): void {
  const process = running;
  if (process === undefined) return;
  process.until_death -= 1;
  if (process.until_death <= 0) coroutine.yield("die");
}

/** A step of the process that runs. It may end here, or another one may run. */
export function step(): void {
  const process = running;
  if (process === undefined) return;
  process.world.now += STEP_SECONDS;
  may_die();
  process.until_pause -= 1;
  if (process.until_pause > 0) return;
  process.until_pause = draw_pause(process.world);
  coroutine.yield("pause", process.world.random() * LONGEST_PAUSE);
}

/** Keeps the process that runs busy for some seconds, as a slow disk does. */
export function block(seconds: number): void {
  if (running !== undefined) coroutine.yield("block", seconds);
}

/** Lets a light thread of the running process sleep. */
export function sleep(seconds: number): void {
  coroutine.yield("sleep", seconds);
}

/** Lets a light thread wait until `resume` is called with it. */
export function wait(): void {
  coroutine.yield("wait");
}

/** Continues a process whose coroutine was interrupted. */
function go_on(process: Process, thread: LuaThread): void {
  if (!process.is_alive) return;
  if (process.stopped) {
    after(process.world, 0.01, () => {
      go_on(process, thread);
    });
    return;
  }
  process.interrupted = undefined;
  resume(process, thread);
  while (process.interrupted === undefined && process.waiting.length > 0 && process.is_alive) {
    const next = process.waiting.shift() as (this: void) => void;
    next();
  }
}

/** Resumes a light thread of a process, now or after what the process does now. */
export function resume(process: Process, thread: LuaThread, ...values: unknown[]): void {
  if (!process.is_alive) return;
  if (process.interrupted !== undefined || process.stopped) {
    if (process.stopped && process.interrupted === undefined) {
      after(process.world, 0.01, () => {
        resume(process, thread, ...values);
      });
    } else {
      process.waiting.push(() => {
        resume(process, thread, ...values);
      });
    }
    return;
  }
  if (process.ended.has(thread) || coroutine.status(thread) !== "suspended") return;
  const before = running;
  running = process;
  const [ended, why, seconds] = coroutine.resume(thread, ...(values as []));
  running = before;
  if (!ended) {
    fail(process.world, "no error is raised", `${process.name}: ${tostring(why)}`);
    return;
  }
  if (coroutine.status(thread) === "dead") return;
  continue_after(process, thread, why as Yield, seconds as number);
}

function continue_after(process: Process, thread: LuaThread, why: Yield, seconds: number): void {
  const { world } = process;
  if (why === "die") {
    count(world, "killed at a step");
    kill(process, "at a step");
  } else if (why === "pause" || why === "block") {
    process.interrupted = thread;
    after(world, seconds, () => {
      go_on(process, thread);
    });
  } else if (why === "sleep") {
    after(world, seconds, () => {
      resume(process, thread);
    });
  }
}

/** Starts a light thread of a process. Returns it. */
export function start(process: Process, body: (this: void) => void): LuaThread {
  const thread = coroutine.create(body);
  resume(process, thread);
  return thread;
}
