import * as ffi from "ffi";

/**
 * How many requests of this worker are unusual: they wait, have a server reserved, have had several attempts,
 * or have no place of their own (`live/first_attempts.ts`). While there are none, as mostly, one test saves a
 * request the look-ups for all of them. Hot.
 */
interface Unusual extends ffi.CData {
  requests: number;
}

ffi.cdef("typedef struct { int requests; } sluice_unusual;");

/** A constant for LuaJIT: see `own_memory.ts`. */
const unusual = ffi.new("sluice_unusual") as Unusual;

/** Counts a request under way as unusual, or no longer. `by`: 1 or -1. */
export function count_unusual(by: number): void {
  unusual.requests = unusual.requests + by;
}

/** Tells whether any request of this worker is unusual. */
export function has_unusual(): boolean {
  return unusual.requests > 0;
}
