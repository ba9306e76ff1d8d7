import * as ffi from "ffi";
import { Header } from "../../../src/resty/sluice/store/memory/header_cells";
import { note_change, note_writing, step } from "./process";
import type { World } from "./world";

/** Memory that the processes share. Each access is a step, so a process may be killed between two of them. */

interface Cells extends ffi.CData {
  cells: ffi.NumberPointer;
}

interface Libc {
  sluice_simulated_map: (
    this: void,
    at: undefined,
    bytes: number,
    protection: number,
    flags: number,
    fd: number,
    from: number,
  ) => ffi.CData;
  sluice_simulated_unmap: (this: void, at: ffi.CData, bytes: number) => number;
}

ffi.cdef(`
  struct sluice_simulated_cells { double *cells; };
  void *sluice_simulated_map(void *, size_t, int, int, int, int64_t) __asm__("mmap");
  int sluice_simulated_unmap(void *, size_t) __asm__("munmap");
`);
const C = ffi.C as Libc;
const { metatype } = ffi as unknown as { metatype: (this: void, type: string, table: object) => void };

/** Called whenever the revision of an nginx is set. */
let on_revision: (this: void) => void = () => undefined;

/** Sets what is called whenever a revision is set. */
export function watch_revision(action: (this: void) => void): void {
  on_revision = action;
}

metatype("struct sluice_simulated_cells", {
  __index: (self: Cells, cell: number) => self.cells[cell],
  __newindex: (self: Cells, cell: number, value: number) => {
    note_change();
    step();
    self.cells[cell] = value;
    if ((cell as Header) === Header.WRITING) note_writing(value !== 0);
    if ((cell as Header) === Header.REVISION) on_revision();
  },
});

/** Maps memory as `mmap` does, until the world ends. */
export function map({ closers }: World, bytes: number, protection: number, flags: number): ffi.CData {
  const address = C.sluice_simulated_map(undefined, bytes, protection, flags, -1, 0);
  closers.push(() => C.sluice_simulated_unmap(address, bytes));
  return address;
}

/** Returns the cells at an address as a process sees them. */
export function cells_at(address: unknown): ffi.CData {
  const cells = ffi.cast("double *", address);
  return ffi.new("struct sluice_simulated_cells", cells);
}

/** Returns what `ffi.cast` makes of a value that may be such cells. */
export function cast(type: string, value: unknown): ffi.CData {
  if (type === "double *") return cells_at(value);
  const is_cells =
    type === "uintptr_t" &&
    (ffi as unknown as { istype: (this: void, type: string, value: unknown) => boolean }).istype(
      "struct sluice_simulated_cells",
      value,
    );
  return ffi.cast(type, is_cells ? (value as Cells).cells : value);
}
