import type { Disk } from "./disk";
import { new_disk, type DiskFile } from "./disk";
import type { Process } from "./process";
import { happens, type World } from "./world";

/** A machine: its disk, its boot, and what the kernel knows of open files and locks. */

export interface Machine {
  world: World;
  disk: Disk;
  boot: number;
  pids: number;
  processes: Process[];
  /** False: the kernel refuses asynchronous requests, as that of some containers does. */
  has_aio: boolean;
}

/** What the processes of one nginx have in common: they inherit open files. */
export interface OpenFiles {
  machine: Machine;
  files: LuaTable<number, DiskFile | "folder" | "memory">;
  next: number;
  /** The processes that hold the bytes of the file of locks. */
  locks: LuaTable<number, Process>;
}

/** The descriptors begin above those that every program has. */
const FIRST_DESCRIPTOR = 10;

export function new_machine(world: World): Machine {
  const has_aio = happens(world.random, 0.9);
  return { world, disk: new_disk(), boot: 1, pids: 100, processes: [], has_aio };
}

export function new_open_files(machine: Machine): OpenFiles {
  return { machine, files: new LuaTable(), next: FIRST_DESCRIPTOR, locks: new LuaTable() };
}

/** Takes a descriptor for a file. */
export function open(open_files: OpenFiles, file: DiskFile | "folder" | "memory"): number {
  const fd = open_files.next;
  open_files.next += 1;
  open_files.files.set(fd, file);
  return fd;
}

/** Returns the living process that holds a byte of the file of locks. */
export function holder({ locks }: OpenFiles, byte: number): Process | undefined {
  const process = locks.get(byte) as Process | undefined;
  return process?.is_alive === true ? process : undefined;
}
