/**
 * Rests in long work. A coroutine says once that its work may rest (`slices.ts`); functions that it calls in
 * long loops call `rest`, which does nothing in other coroutines: those that must not yield, and those of
 * phases that cannot sleep. Pure.
 */

/** The work of a coroutine. */
export interface Work {
  /** Called after each small step. */
  step: (this: void) => void;
  /** True: it has taken so long that it has rested. */
  is_long: boolean;
}

const works = new LuaTable<AnyNotNil, Work | undefined>();
setmetatable(works, { __mode: "k" } as LuaMetatable<object>);

function this_coroutine(): LuaThread | undefined {
  return coroutine.running();
}

function current(): Work | undefined {
  const running = this_coroutine();
  return running === undefined ? undefined : works.get(running);
}

/** Returns the result of `action`, during which the coroutine has the work `work`. Raises what it raises. */
function during<T>(work: Work | undefined, action: (this: void) => T): T {
  const running = this_coroutine();
  if (running === undefined) return action();
  const before = works.get(running);
  works.set(running, work);
  const [returned, outcome] = pcall(action);
  works.set(running, before);
  if (!returned) error(outcome, 0);
  return outcome;
}

/** Returns the result of `action`, which may rest as `work` says. Raises what it raises. */
export function with_work<T>(work: Work, action: (this: void) => T): T {
  return during(current() ?? work, action);
}

/** Returns the result of `action`, which must not rest. Raises what it raises. */
export function without_rest<T>(action: (this: void) => T): T {
  return during(undefined, action);
}

/** Returns the result of `action`, which rests only while `may_rest` says so. Raises what it raises. */
export function with_rests_while<T>(may_rest: (this: void) => boolean, action: (this: void) => T): T {
  const work = current();
  if (work === undefined) return action();
  const step = () => {
    if (may_rest()) work.step();
  };
  return during({ step, is_long: work.is_long }, action);
}

/** Called after a step of work that takes about a millisecond. Any phase. */
export function rest_now(this: void): void {
  current()?.step();
}

/** Steps between two looks. LuaJIT does not compile the question which coroutine runs. */
const STEPS = 32;
let steps = 0;

/** Called after a small step of work that may be long. Any phase. */
export function rest(this: void): void {
  steps = (steps + 1) % STEPS;
  if (steps === 0) rest_now();
}

/** Returns whether the work of this coroutine has already been long. Any phase. */
export function is_long_work(): boolean {
  return current()?.is_long === true;
}
