import { invalid_value, type Problem } from "./problem";

/** What a reader returns: the value, or undefined and the problem. */
export type Read<T = unknown> = LuaMultiReturn<[T | undefined, Problem | undefined]>;

/** Checks a value and returns it as it is kept. `path` names it in a problem. Any phase. */
export type Reader<T = unknown> = (this: void, path: string, value: unknown) => Read<T>;

/** Refuses a value: what a reader returns then. */
export function refuse(path: string, reason: string): LuaMultiReturn<[undefined, Problem]> {
  return $multi(undefined, invalid_value(path, reason));
}
