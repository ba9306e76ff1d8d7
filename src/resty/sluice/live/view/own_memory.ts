import * as ffi from "ffi";

/**
 * The shared memory, as the code of each request reads it. LuaJIT takes a C structure of at most 16 bytes
 * that nothing replaces for a constant. A request then needs one instruction to find the memory, instead of
 * eight if the pointer were a variable of a module. Hot.
 */
interface OwnMemory extends ffi.CData {
  memory: ffi.NumberPointer;
  /** The cell in which this worker counts its requests. */
  requests: ffi.NumberPointer;
}

ffi.cdef("typedef struct { double *memory; double *requests; } sluice_own_memory;");

/** Its memory is set before this worker has a view of any upstream. */
export const own = ffi.new("sluice_own_memory") as OwnMemory;

/** Sets the shared memory. Phase: init_worker_by_lua. */
export function use_own_memory(shared: ffi.NumberPointer): void {
  own.memory = shared;
}
