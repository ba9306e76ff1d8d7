/**
 * Hot files run in every request. TypeScriptToLua's helpers allocate and stop LuaJIT's traces, so none of
 * them may be in the Lua of these.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./command.mjs";

const hotFiles = [
  "dist/resty/sluice.lua",
  "dist/resty/sluice/live/request.lua",
  "dist/resty/sluice/live/outcome.lua",
  "dist/resty/sluice/live/counters.lua",
  "dist/resty/sluice/live/variable.lua",
  "dist/resty/sluice/live/view.lua",
  "dist/resty/sluice/balancer/ring.lua",
  "dist/resty/sluice/balancer/round_robin.lua",
  "dist/resty/sluice/lib/heap.lua",
];

/** @returns {string[]} one line a problem */
export function checkHotFiles() {
  return hotFiles.flatMap((file) => {
    const path = join(root, file);
    if (!existsSync(path)) return [`${file}: is listed as hot, but does not exist`];
    const lines = readFileSync(path, "utf8").split("\n");
    return lines.flatMap((line, index) => {
      const helper = /__TS__\w+|____lualib/.exec(line);
      return helper === null ? [] : [`${file}:${index + 1}: a hot file uses ${helper[0]}`];
    });
  });
}
