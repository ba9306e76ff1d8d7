/** Reads the memory of a worker. */
import { readFileSync } from "node:fs";

/** A location for the API's server that returns Lua's memory after a full garbage collection. */
export const heapPage = `location = /heap {
  content_by_lua_block {
    collectgarbage() collectgarbage()
    ngx.print(string.format("%d", collectgarbage("count") * 1024))
  }
}`;

/**
 * Returns the bytes of Lua's memory in a gateway with one worker and `heapPage`.
 * @param {import("./gateway.mjs").Gateway} gateway
 */
export async function heapOf({ api }) {
  return Number((await api.get("/heap")).text);
}

/** Returns a number of bytes of /proc/<pid>/status. @param {number} pid @param {string} name */
function memoryOf(pid, name) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, "m").exec(status)?.[1]) * 1024;
}

/** Returns the resident memory of a process, in bytes. @param {number} pid */
export const rssOf = (pid) => memoryOf(pid, "VmRSS");

/**
 * Returns the resident memory that is the process's own, in bytes. Pages of nginx's shared memory are not: as
 * resident, each process counts those that it has used once.
 * @param {number} pid
 */
export const ownMemoryOf = (pid) => memoryOf(pid, "RssAnon");
