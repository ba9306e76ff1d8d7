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

/** Returns the resident memory of a process, in bytes. @param {number} pid */
export function rssOf(pid) {
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}
