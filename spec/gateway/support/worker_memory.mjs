/** The memory of a worker. */
import { readFileSync } from "node:fs";

/** For the API's server: tells how much Lua has, after everything was collected. */
export const heapPage = `location = /heap {
  content_by_lua_block {
    collectgarbage() collectgarbage()
    ngx.print(string.format("%d", collectgarbage("count") * 1024))
  }
}`;

/**
 * Bytes of Lua's memory, of a gateway with one worker and `heapPage`.
 * @param {import("./gateway.mjs").Gateway} gateway
 */
export async function heapOf({ api }) {
  return Number((await api.get("/heap")).text);
}

/** Bytes of a process that are in memory. @param {number} pid */
export function rssOf(pid) {
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}
