/**
 * Hot files run in every request. TypeScriptToLua's helpers allocate memory and end LuaJIT's traces, so the
 * Lua of hot files must not contain any.
 */
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { root } from "./command.mjs";
import { filesBelow } from "./files.mjs";

/** The path of a request. The cold functions in these files do without helpers, too. */
const hotFolders = ["dist/resty/sluice/balancer", "dist/resty/sluice/live"];
const hotFiles = [
  "dist/resty/sluice.lua",
  "dist/resty/sluice/health/expected_time.lua",
  "dist/resty/sluice/health/outlier.lua",
  "dist/resty/sluice/health/passive.lua",
  "dist/resty/sluice/health/reported.lua",
  "dist/resty/sluice/store/memory/state.lua",
  "dist/resty/sluice/lib/clock.lua",
  "dist/resty/sluice/lib/fifo.lua",
  "dist/resty/sluice/lib/heap.lua",
  "dist/resty/sluice/store/memory/dict.lua",
  "dist/resty/sluice/store/memory/ejection.lua",
  "dist/resty/sluice/store/memory/region.lua",
  "dist/resty/sluice/store/memory/statistics.lua",
];

/** @returns {string[]} one line per problem */
export function checkHotFiles() {
  const below = hotFolders.flatMap((folder) => filesBelow(join(root, folder)));
  return [...below, ...hotFiles.map((file) => join(root, file))].flatMap((path) => {
    const lines = readFileSync(path, "utf8").split("\n");
    return lines.flatMap((line, index) => {
      const helper = /__TS__\w+|____lualib/.exec(line);
      return helper === null ? [] : [`${relative(root, path)}:${index + 1}: a hot file uses ${helper[0]}`];
    });
  });
}
