import type * as ffi from "ffi";
import { operations_on, sync_first, type DiskFile } from "./disk";
import type { Machine } from "./machine";
import { block, step, type Process } from "./process";
import { after, count } from "./world";

/**
 * Linux's asynchronous `fdatasync`, as one process sees it. A request covers what was written before it. The
 * kernel carries it out even if the process dies, but not after a loss of power.
 */

interface Request {
  data: number;
  fd: number;
}

interface Ended {
  data: number;
  result: number;
}

const EIO = 5;
const EBADF = 9;
const EPERM = 1;
const EAGAIN = 11;
/** The time that a disk without a delay takes for a request, at most, in seconds. */
const LONGEST_SYNC = 0.003;
const NANOSECOND = 1e-9;

/** Makes the calls of a process. `fail_with` sets the number of the error. */
export function new_aio(
  { world }: Process,
  machine: Machine,
  file_of: (this: void, fd: number) => DiskFile | undefined,
  fail_with: (this: void, code: number) => number,
): object {
  const { disk } = machine;
  const ended: Ended[] = [];
  let most = 0;
  let under_way = 0;

  function carry_out(data: number, file: DiskFile): void {
    const covered = operations_on(file);
    const { boot } = machine;
    under_way += 1;
    after(world, disk.delay + world.random() * LONGEST_SYNC, () => {
      under_way -= 1;
      if (machine.boot !== boot) return;
      const has_failed = disk.failures > 0;
      if (has_failed) {
        disk.failures -= 1;
        count(world, "the disk failed");
      } else {
        sync_first(file, covered);
      }
      ended.push({ data, result: has_failed ? -EIO : 0 });
    });
  }

  return {
    sluice_io_setup: (_call: number, requests: number, context: ffi.CData & Record<number, unknown>) => {
      if (!machine.has_aio) return fail_with(EPERM);
      most = requests;
      context[0] = 1;
      return 0;
    },
    sluice_io_submit: (
      _call: number,
      _context: unknown,
      _count: number,
      requests: Record<number, Request>,
    ) => {
      step();
      const { data, fd } = requests[0];
      const file = file_of(tonumber(fd) as number);
      if (file === undefined) return fail_with(EBADF);
      if (under_way + ended.length >= most) return fail_with(EAGAIN);
      count(world, "asynchronous syncs");
      carry_out(tonumber(data) as number, file);
      return 1;
    },
    sluice_io_getevents: (
      _call: number,
      _context: unknown,
      least: number,
      _most: number,
      events: Record<number, Ended>,
      patience: { nanoseconds: number },
    ) => {
      step();
      if (ended.length === 0 && least > 0) block((tonumber(patience.nanoseconds) as number) * NANOSECOND);
      const event = ended.shift();
      if (event === undefined) return 0;
      events[0].data = event.data;
      events[0].result = event.result;
      return 1;
    },
  };
}
