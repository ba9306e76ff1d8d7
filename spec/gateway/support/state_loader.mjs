/** Loads state files without nginx, with the code of dist/ in LuaJIT, so that a test can load thousands. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { root } from "../../../scripts/command.mjs";
import { atEnd } from "./cleanup.mjs";
import { makeFolder } from "./folder.mjs";

export const stateFiles = ["image.0", "image.1", "journal.0", "journal.1"];

/** @typedef {Record<string, Buffer>} Files the texts of `stateFiles` */
/** @typedef {{ refused?: string, revision?: number, state?: string, warnings?: string[] }} Outcome */

const program = `
package.path = ${JSON.stringify(join(root, "dist"))} .. "/?.lua;" .. package.path
local cjson = require("cjson")
local load = require("resty.sluice.store.disk.load")
local replay = require("resty.sluice.store.disk.replay")
local document = require("resty.sluice.store.document.document")
local function files(folder, kind)
  local list = {}
  for index = 0, 1 do
    local name = kind .. "." .. index
    local file = assert(io.open(folder .. "/" .. name, "rb"))
    list[index + 1] = { path = name, text = file:read("*a") }
    file:close()
  end
  return list
end
for folder in io.lines() do
  local loaded, cause = load.load_files(files(folder, "image"), files(folder, "journal"))
  local answer = { refused = cause }
  if loaded then
    local parts = {}
    for name, saved in pairs(loaded.state.upstreams) do
      local text = document.format_document(replay.to_document(saved, function() return 1 end))
      parts[#parts + 1] = name .. " " .. text
    end
    table.sort(parts)
    answer = { revision = loaded.state.revision, state = table.concat(parts), warnings = loaded.warnings }
  end
  io.write(cjson.encode(answer), "\\n")
  io.flush()
end`;

/**
 * Starts a loader, which ends with the test.
 * @param {import("node:test").TestContext} context
 * @returns {(files: Files) => Promise<Outcome>} loads files
 */
export function startLoader(context) {
  const folder = makeFolder(context, "load");
  const child = spawn("luajit", ["-e", program], { stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  atEnd(context, () => child.stdin.end());
  return async (files) => {
    for (const name of stateFiles) writeFileSync(join(folder, name), files[name]);
    child.stdin.write(`${folder}\n`);
    const { value, done } = await answers.next();
    if (done) throw new Error("the loader has ended");
    return JSON.parse(value);
  };
}
