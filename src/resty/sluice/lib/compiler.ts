/** Limits of LuaJIT's compiler. */

/** The part of LuaJIT's library that its types do not have. */
interface Jit {
  opt: { start: (this: void, parameter: string) => void };
}

/**
 * LuaJIT compiles a path of at most 500 constants by default. A whole request with `least_load`, or with a
 * split by a key, has more: without this limit a part of it would be interpreted, which takes 4,000
 * instructions more.
 */
const MOST_CONSTANTS = 1000;

/** Lets LuaJIT compile whole requests. It applies to all Lua code of the process. Phase: init_by_lua. */
export function compile_whole_requests(): void {
  (jit as unknown as Jit).opt.start(`maxirconst=${MOST_CONSTANTS}`);
}
