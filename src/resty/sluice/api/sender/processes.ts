import * as ffi from "ffi";

import { read_file } from "../../lib/file";
import { pause } from "../../lib/pause";

/** Reads from /proc which processes run nginx and which sockets they have open. Linux, 64 bit. */

interface Libc {
  sluice_opendir: (this: void, path: string) => ffi.CData | undefined;
  sluice_readdir: (this: void, folder: ffi.CData) => (ffi.CData & { name: ffi.CData }) | undefined;
  sluice_closedir: (this: void, folder: ffi.CData) => number;
  sluice_readlink: (this: void, path: string, target: ffi.CData, bytes: number) => number;
}

ffi.cdef(`
  struct sluice_dirent { uint64_t ino; int64_t off; unsigned short length; unsigned char type; char name[256]; };
  void *sluice_opendir(const char *) __asm__("opendir");
  struct sluice_dirent *sluice_readdir(void *) __asm__("readdir");
  int sluice_closedir(void *) __asm__("closedir");
  ssize_t sluice_readlink(const char *, char *, size_t) __asm__("readlink");
`);
const C = ffi.C as Libc;
const EPERM = 1;
const EACCES = 13;

const LONGEST_STATUS = 16384;
const LONGEST_LINK = 64;
const link = ffi.new("char[?]", LONGEST_LINK);

/** Number of steps, of some microseconds each, after which other requests are served. */
const STEPS_AT_ONCE = 500;

const MOST_ATTEMPTS = 20;
const ATTEMPT_PAUSE = 0.05;

/** The names of nginx's program. The name of this worker's program is added on first use. */
const nginx_names = new LuaSet<string>();

/**
 * Calls `visit` for each entry of a folder until it returns true. Serves other requests meanwhile.
 *
 * @returns whether it has; undefined: this worker has no permission to read the folder
 */
function find_entry(path: string, visit: (this: void, name: string) => boolean): boolean | undefined {
  const opened = C.sluice_opendir(path);
  if (opened === undefined) {
    const cause = ffi.errno();
    return cause === EPERM || cause === EACCES ? undefined : false;
  }
  // If the request ends during a pause, the garbage collector closes the folder.
  const folder = ffi.gc(opened, C.sluice_closedir);
  let is_found = false;
  let steps = 0;
  let entry = C.sluice_readdir(folder);
  while (entry !== undefined && !is_found) {
    is_found = visit(ffi.string(entry.name));
    steps += 1;
    if (steps % STEPS_AT_ONCE === 0) pause();
    entry = C.sluice_readdir(folder);
  }
  C.sluice_closedir(ffi.gc(folder, undefined));
  return is_found;
}

function name_of(pid: string): string | undefined {
  const [text] = read_file(`/proc/${pid}/comm`, LONGEST_LINK);
  return text === undefined ? undefined : string.match(text, "^[^\n]*")[0];
}

/** Tells whether a process runs nginx. Undefined: it has ended, or is hidden from this worker. Any phase. */
export function runs_nginx(pid: string): boolean | undefined {
  if (next(nginx_names)[0] === undefined) {
    for (const name of ["nginx", "openresty", name_of("self") ?? "nginx"]) nginx_names.add(name);
  }
  const name = name_of(pid);
  return name === undefined ? undefined : nginx_names.has(name);
}

/** Returns the effective user of a process; undefined: it has ended, or is a zombie. */
function user_of(pid: string): number | undefined {
  const text = read_file(`/proc/${pid}/status`, LONGEST_STATUS)[0] ?? "";
  if (string.find(text, "\nState:\t[ZX]")[0] !== undefined) return undefined;
  return tonumber(string.match(text, "\nUid:\t%d+\t(%d+)")[0]);
}

/** Returns the nginx processes of a user, including those of other nginx instances. Phases that can sleep. */
function nginx_processes(uid: number): string[] {
  const pids: string[] = [];
  find_entry("/proc", (name) => {
    const is_process = string.find(name, "^%d+$")[0] !== undefined;
    if (is_process && runs_nginx(name) === true && user_of(name) === uid) pids.push(name);
    return false;
  });
  return pids;
}

function has_open(pid: string, socket: string): boolean | undefined {
  const folder = `/proc/${pid}/fd`;
  return find_entry(folder, (name) => {
    const length = tonumber(C.sluice_readlink(`${folder}/${name}`, link, LONGEST_LINK)) as number;
    return length === socket.length && ffi.string(link, length) === socket;
  });
}

function look(socket: string, uid: number): boolean | undefined {
  let is_certain = true;
  for (const pid of nginx_processes(uid)) {
    const is_open = has_open(pid, socket);
    if (is_open === true) return true;
    if (is_open === undefined) is_certain = false;
  }
  return is_certain ? false : undefined;
}

/**
 * Tells whether an nginx process has a socket open. Phases that can sleep.
 *
 * @param uid the user whose processes are examined
 * @returns undefined: the descriptors of one of them cannot be read
 */
export function is_open_in_nginx(inode: string, uid: number): boolean | undefined {
  const socket = `socket:[${inode}]`;
  for (const _ of $range(1, MOST_ATTEMPTS)) {
    const is_open = look(socket, uid);
    if (is_open !== undefined) return is_open;
    // The descriptors of a process that is starting or ending cannot be read for a moment.
    ngx.sleep(ATTEMPT_PAUSE);
  }
  return undefined;
}
