import * as ffi from "ffi";

/** Linux's asynchronous `fdatasync`, so that a slow disk does not hold up the requests of a worker. */

interface Calls {
  sluice_io_setup: (this: void, call: number, count: number, context: ffi.CData) => unknown;
  sluice_io_submit: (
    this: void,
    call: number,
    context: unknown,
    count: number,
    requests: ffi.CData,
  ) => unknown;
  sluice_io_getevents: (
    this: void,
    call: number,
    context: unknown,
    least: number,
    most: number,
    events: ffi.CData,
    patience: ffi.CData,
  ) => unknown;
}

ffi.cdef(`
  struct sluice_iocb {
    uint64_t data; uint32_t key; int32_t flags; uint16_t operation; int16_t priority; uint32_t fd;
    uint64_t buffer; uint64_t bytes; int64_t offset; uint64_t reserved; uint32_t more_flags; uint32_t event_fd;
  };
  struct sluice_io_event { uint64_t data; uint64_t request; int64_t result; int64_t result2; };
  struct sluice_aio_patience { long seconds; long nanoseconds; };
  long sluice_io_setup(long, unsigned int, unsigned long *) __asm__("syscall");
  long sluice_io_submit(long, unsigned long, long, struct sluice_iocb **) __asm__("syscall");
  long sluice_io_getevents(long, unsigned long, long, long, struct sluice_io_event *,
    struct sluice_aio_patience *) __asm__("syscall");
  char *sluice_text_of(int) __asm__("strerror");
`);

const C = ffi.C as Calls & { sluice_text_of: (this: void, code: number) => ffi.CData };

/** The numbers of the system calls. */
const CALLS: Record<string, { setup: number; submit: number; getevents: number } | undefined> = {
  x64: { setup: 206, submit: 209, getevents: 208 },
  arm64: { setup: 0, submit: 2, getevents: 4 },
};
const FDSYNC = 3;
/** How many can be under way. One whose coroutine has died is in the list until it has ended. */
const MOST = 16;
/** How long the worker waits for the disk before it goes on with other work: a fast disk needs less. */
const FIRST_NANOSECONDS = 100_000;

const calls = CALLS[ffi.arch];
const context = ffi.new("unsigned long[1]") as ffi.CData & Record<number, unknown>;
const request = ffi.new("struct sluice_iocb") as ffi.CData & {
  data: number;
  operation: number;
  fd: number;
};
const requests = ffi.new("struct sluice_iocb *[1]", [request]);
const event = ffi.new("struct sluice_io_event[1]") as ffi.CData &
  Record<number, { data: unknown; result: unknown }>;
const patience = ffi.new("struct sluice_aio_patience") as ffi.CData & {
  seconds: number;
  nanoseconds: number;
};

/** How requests have ended, from the time when the kernel tells it to the time when they ask. */
const ended = new LuaTable<number, number | undefined>();

let is_set_up = false;
let is_missing = calls === undefined;
let last = 0;

/** Prepares this process, which must not fork any more. Returns false where the kernel offers nothing. */
function set_up(): boolean {
  if (is_set_up || is_missing) return !is_missing;
  is_set_up = true;
  is_missing = tonumber(C.sluice_io_setup(calls?.setup ?? 0, MOST, context)) !== 0;
  return !is_missing;
}

/** Begins to sync a file. Returns the number of the request; undefined: it is not possible. Any phase. */
export function begin_sync(fd: number): number | undefined {
  if (!set_up()) return undefined;
  last += 1;
  request.data = last;
  request.operation = FDSYNC;
  request.fd = fd;
  const submitted = tonumber(C.sluice_io_submit(calls?.submit ?? 0, context[0], 1, requests));
  return submitted === 1 ? last : undefined;
}

/**
 * Returns how a request has ended: 0, or the code of the failure; undefined: not yet.
 * `may_wait`: it may block for a tenth of a millisecond.
 */
export function end_of_sync(id: number, may_wait: boolean): number | undefined {
  patience.nanoseconds = may_wait ? FIRST_NANOSECONDS : 0;
  const number = calls?.getevents ?? 0;
  let code = ended.get(id);
  while (code === undefined) {
    const found = C.sluice_io_getevents(number, context[0], may_wait ? 1 : 0, 1, event, patience);
    if (tonumber(found) !== 1) return undefined;
    ended.set(tonumber(event[0].data) as number, -(tonumber(event[0].result) as number));
    code = ended.get(id);
  }
  ended.delete(id);
  return code;
}

/** Returns the text of a code. */
export function text_of(code: number): string {
  return ffi.string(C.sluice_text_of(code));
}
