import type { Process } from "../world/process";
import { count, fail, note, type World } from "../world/world";

/** Checks that a webhook is called once for each key, unless its answer was lost. */

export interface Calls {
  world: World;
  /** How often each key may be received: once more for each answer that was lost. */
  allowed: LuaTable<string, number>;
  received: LuaTable<string, number>;
  /** The processes that made the last call of each key: one that dies may have lost the answer. */
  callers: LuaTable<string, Process>;
  answered: LuaSet<string>;
}

export function new_calls(world: World): Calls {
  return {
    world,
    allowed: new LuaTable(),
    received: new LuaTable(),
    callers: new LuaTable(),
    answered: new LuaSet(),
  };
}

/** Notes that the receiver gets a call. `is_lost`: its answer will be lost. */
export function note_webhook_call(calls: Calls, process: Process, id: string, is_lost: boolean): void {
  const { world, allowed, received, callers, answered } = calls;
  const before = (received.get(id) as number | undefined) ?? 0;
  let most = (allowed.get(id) as number | undefined) ?? 1;
  const last = callers.get(id) as Process | undefined;
  // The answer, or what was noted of it, died with its process.
  if (last?.is_alive === false) {
    most += 1;
    answered.delete(id);
  }
  if (before > 0 && answered.has(id) && last?.is_alive === true)
    fail(world, "a webhook is called once", `${id} is called again after its answer`);
  if (before >= most) fail(world, "a webhook is called once", `${id} is called ${before + 1} times`);
  note(world, `the webhook is called: ${id}${is_lost ? ", and its answer is lost" : ""}`);
  count(world, "webhook calls");
  received.set(id, before + 1);
  allowed.set(id, most + (is_lost ? 1 : 0));
  callers.set(id, process);
}
