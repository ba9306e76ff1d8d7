/** The results of a function that can fail: a value, or undefined and the cause of the failure. */
export type Result<T> = LuaMultiReturn<[T | undefined, string | undefined]>;
