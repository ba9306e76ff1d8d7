/** Limits of LuaJIT's compiler. */

/** The part of LuaJIT's library that its types do not have. */
interface Jit {
  opt: { start: (this: void, parameter: string) => void };
}

/**
 * LuaJIT compiles a path of at most 500 constants by default. A whole request with `least_load` has more, so
 * that a part of it would be interpreted, which takes some 4,500 instructions more. A split by a key is close
 * to that limit.
 */
const MOST_CONSTANTS = 1000;

/** Lets LuaJIT compile whole requests. It applies to all Lua code of the process. Phase: init_by_lua. */
export function compile_whole_requests(): void {
  (jit as unknown as Jit).opt.start(`maxirconst=${MOST_CONSTANTS}`);
}
