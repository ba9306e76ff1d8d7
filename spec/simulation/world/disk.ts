import type { Random } from "../../../bench/load/random";
import { below, happens } from "./world";

/**
 * A disk with one folder. The kernel's copy of a file survives the death of processes. After a loss of power
 * only what `fdatasync` has written is certain: a later write may be lost, torn, or be there without an
 * earlier one to another file.
 */

interface Operation {
  /** Undefined: the file is cut at `at`. */
  text: string | undefined;
  at: number;
}

export interface DiskFile {
  inode: number;
  /** The content that processes see, and the one that is certain. */
  text: string;
  certain: string;
  /** What is not certain yet, and how many operations before that are. */
  unsynced: Operation[];
  synced: number;
}

export interface Disk {
  files: LuaTable<string, DiskFile>;
  names: string[];
  has_folder: boolean;
  /** The bytes that can still be written. */
  room: number;
  /** The next writes and syncs that fail. */
  failures: number;
  /** How long a write or a sync takes, in seconds. */
  delay: number;
}

export function new_disk(): Disk {
  return { files: new LuaTable(), names: [], has_folder: false, room: math.huge, failures: 0, delay: 0 };
}

/** Returns a file, and makes it if there is none. */
export function open_file(disk: Disk, name: string): DiskFile {
  const known = disk.files.get(name) as DiskFile | undefined;
  if (known !== undefined) return known;
  const file = { inode: 100 + disk.names.length, text: "", certain: "", unsynced: [], synced: 0 };
  disk.files.set(name, file);
  disk.names.push(name);
  return file;
}

function changed(text: string, { text: piece, at }: Operation): string {
  const zeros = string.rep("\0", math.max(0, at - text.length));
  const start = string.sub(text, 1, at) + zeros;
  return piece === undefined ? start : start + piece + string.sub(text, at + piece.length + 1);
}

/** Writes a text. Returns how many bytes found room. */
export function write(disk: Disk, file: DiskFile, text: string, at: number): number {
  const growth = math.max(0, at + text.length - file.text.length);
  const bytes = growth <= disk.room ? text.length : math.max(0, text.length - growth + disk.room);
  if (bytes === 0 && text.length > 0) return 0;
  const operation = { text: string.sub(text, 1, bytes), at };
  const before = file.text.length;
  file.text = changed(file.text, operation);
  disk.room -= math.max(0, file.text.length - before);
  file.unsynced.push(operation);
  return bytes;
}

/** Cuts a file, or fills it up with zeros. */
export function cut(disk: Disk, file: DiskFile, bytes: number): void {
  disk.room += math.max(0, file.text.length - bytes);
  const operation = { text: undefined, at: bytes };
  file.text = changed(file.text, operation);
  file.unsynced.push(operation);
}

/** Returns the number of all operations on a file so far. */
export function operations_on({ synced, unsynced }: DiskFile): number {
  return synced + unsynced.length;
}

/** Makes the first `count` operations on a file certain. */
export function sync_first(file: DiskFile, count: number): void {
  while (file.synced < count) {
    file.certain = changed(file.certain, file.unsynced.shift() as Operation);
    file.synced += 1;
  }
}

/** Makes everything so far certain. */
export function sync(file: DiskFile): void {
  sync_first(file, operations_on(file));
}

/** Cuts the power. The first few operations on a file since its last sync are done, the last perhaps torn. */
export function lose_power(disk: Disk, random: Random): void {
  for (const name of disk.names) {
    const file = disk.files.get(name);
    const done = below(random, file.unsynced.length + 1);
    let text = file.certain;
    for (const [number, operation] of ipairs(file.unsynced)) {
      if (number <= done) {
        const { text: piece, at } = operation;
        const is_torn = number === done && piece !== undefined && happens(random, 0.5);
        const part = is_torn ? string.sub(piece, 1, below(random, piece.length)) : piece;
        text = changed(text, { text: part, at });
      }
    }
    file.synced = operations_on(file);
    file.text = text;
    file.certain = text;
    file.unsynced = [];
  }
}
