import type { SimulatedDict } from "./dict";
import { FOLDER, new_libc } from "./libc";
import { new_ffi, new_lua } from "./lua";
import type { OpenFiles } from "./machine";
import { resume, running_process, sleep, start, type Process } from "./process";
import { after, below, note, type World } from "./world";

/** The `ngx` of a process: its clock, timers, light threads and log. */

/** An nginx as its processes see it. */
export interface Nginx {
  world: World;
  name: string;
  dict: SimulatedDict;
  open_files: OpenFiles;
  workers: number;
}

interface Semaphore {
  count: number;
  waiting: { thread: LuaThread; is_over: boolean }[];
}

/** ngx.log's levels: errors are failures of the code. */
const ERR = 4;

function new_semaphore(process: Process, resources: number): object {
  const semaphore: Semaphore = { count: resources, waiting: [] };
  return {
    post(this: object, number = 1) {
      semaphore.count += number;
      while (semaphore.count > 0 && semaphore.waiting.length > 0) {
        const waiter = semaphore.waiting.shift();
        if (waiter?.is_over === false) {
          waiter.is_over = true;
          semaphore.count -= 1;
          after(process.world, 0, () => {
            resume(process, waiter.thread, true);
          });
        }
      }
      return true;
    },
    count(this: object) {
      const waiting = semaphore.waiting.filter(({ is_over }) => !is_over);
      return semaphore.count - waiting.length;
    },
    wait(this: object, seconds: number) {
      if (semaphore.count > 0) {
        semaphore.count -= 1;
        return $multi(true, undefined);
      }
      const waiter = { thread: coroutine.running() as LuaThread, is_over: false };
      semaphore.waiting.push(waiter);
      after(process.world, seconds, () => {
        if (waiter.is_over) return;
        waiter.is_over = true;
        resume(process, waiter.thread, false);
      });
      const got = coroutine.yield("wait")[0] === true;
      return $multi(got ? true : undefined, got ? undefined : "timeout");
    },
  };
}

function new_timer(process: Process, seconds: number, repeats: boolean, callback: TimerCallback): void {
  const was_exiting = process.is_exiting;
  after(process.world, seconds, () => {
    if (!process.is_alive) return;
    const premature = process.is_exiting && !was_exiting;
    start(process, () => {
      callback(premature);
    });
    if (repeats && !premature) new_timer(process, seconds, true, callback);
  });
}

function new_file(text: string): object {
  return {
    read: (_file: object, most: number) => string.sub(text, 1, most),
    close: () => true,
    seek: () => text.length,
  };
}

/**
 * Makes the Lua VM of a process.
 *
 * @param id the number of the worker; undefined: the master
 * @param modules those that stand for other machines, by their paths below src/resty/sluice
 */
export function new_nginx_lua(
  nginx: Nginx,
  process: Process,
  id: number | undefined,
  modules: Record<string, unknown>,
): (this: void, name: string) => unknown {
  const { world } = nginx;
  let errno = 0;
  const libc = new_libc(process, nginx.open_files, (code) => {
    errno = code;
    return -1;
  });
  const random_digits = () => {
    let bytes = "";
    for (const _ of $range(1, 16)) bytes += string.char(below(world.random, 256));
    return bytes;
  };
  const files: Record<string, (this: void) => string> = {
    "/dev/urandom": random_digits,
    "/proc/sys/kernel/random/boot_id": () => string.format("boot-%d\n", nginx.open_files.machine.boot),
  };
  const same = (text: string) => text;
  const ngx = {
    WARN: 5,
    ERR,
    NOTICE: 6,
    INFO: 7,
    shared: { sluice: nginx.dict },
    config: { ngx_lua_version: 10023, prefix: () => `${FOLDER}/`, nginx_configure: () => "" },
    worker: {
      id: () => id,
      pid: () => process.pid,
      count: () => nginx.workers,
      exiting: () => process.is_exiting,
    },
    now: () => math.floor((world.now + world.wall_offset) * 1000) / 1000,
    time: () => math.floor(world.now + world.wall_offset),
    get_phase: () => (id === undefined ? "init" : "timer"),
    sleep,
    encode_base64: same,
    decode_base64: same,
    log: (level: number, text: string) => {
      note(world, `${process.name} logs ${level === ERR ? "an ERROR: " : ""}${text}`);
    },
    timer: {
      at: (seconds: number, callback: TimerCallback) => {
        // An exiting worker still runs timers without a delay.
        if (process.is_exiting && seconds > 0) return $multi(undefined, "process exiting");
        new_timer(process, seconds, false, callback);
        return $multi(true, undefined);
      },
      every: (seconds: number, callback: TimerCallback) => {
        if (process.is_exiting) return $multi(undefined, "process exiting");
        new_timer(process, seconds, true, callback);
        return $multi(true, undefined);
      },
    },
    thread: {
      spawn: (body: (this: void, ...args: unknown[]) => void, ...args: unknown[]) => {
        const thread = coroutine.create(() => {
          body(...args);
        });
        after(world, 0, () => {
          resume(process, thread);
        });
        return thread;
      },
      kill: (thread: LuaThread) => {
        process.ended.add(thread);
        return true;
      },
    },
  };
  const own_math = { ...math, random: draw, randomseed: () => undefined };
  function draw(this: void, first?: number, last?: number): number {
    const value = world.random();
    if (first === undefined) return value;
    const [low, high] = last === undefined ? [1, first] : [first, last];
    return low + math.floor(value * (high - low + 1));
  }
  const globals = {
    ngx,
    math: own_math,
    io: {
      open: (path: string) => {
        const make = files[path] as ((this: void) => string) | undefined;
        if (make === undefined) return $multi(undefined, `${path}: No such file or directory`);
        return $multi(new_file(make()), undefined);
      },
    },
  };
  const replaced: Record<string, unknown> = {};
  for (const [path, module] of pairs(modules))
    replaced[`src.resty.sluice.${string.gsub(path, "/", ".")[0]}`] = module;
  return new_lua(globals, {
    ...replaced,
    ffi: new_ffi(libc, () => errno),
    "ngx.semaphore": {
      new: (resources: number) => new_semaphore(running_process() ?? process, resources),
    },
  });
}
