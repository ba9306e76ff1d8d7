/** What must not grow while a gateway runs: memory, rows, files and descriptors. */
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../../scripts/command.mjs";
import { ownMemoryOf } from "../../gateway/support/worker_memory.mjs";
import { waitFor } from "../../gateway/support/wait.mjs";

/** Returns the place of a cell of the header, which the compiler inlines. @param {string} name */
function headerCell(name) {
  const text = readFileSync(join(root, "src/resty/sluice/store/memory/header_cells.ts"), "utf8");
  const [, body = ""] = /enum Header \{([^}]*)\}/.exec(text) ?? [];
  const members = body.replaceAll(/\/\*\*[^]*?\*\//g, "").split(",");
  const place = members.findIndex((member) => member.trim() === name);
  if (place < 0) throw new Error(`header_cells.ts: no ${name} in the header`);
  return place;
}

/**
 * A location that answers with the pid, Lua's memory after a collection, and the rows and bytes in use. The
 * code that LuaJIT has compiled is discarded first: random changes take new paths, so that it grows until
 * OpenResty's limit of 8,000 traces.
 */
export const measuringPage = `location = /measures {
  content_by_lua_block {
    jit.flush() collectgarbage() collectgarbage()
    local dict = ngx.shared.sluice
    local memory = require("resty.sluice.store.memory.region").shared_memory()
    ngx.print(string.format("%d %d %d %d", ngx.worker.pid(), collectgarbage("count") * 1024,
      dict:capacity() - dict:free_space(), memory[${headerCell("NEXT_ROW")}]))
  }
}`;

/** The measures, with their units and the tolerance of a growth. */
export const MEASURES = {
  workers: { name: "own memory of the workers", unit: "MB", tolerance: 0.02 },
  heaps: { name: "Lua memory of the workers", unit: "MB", tolerance: 0.02 },
  master: { name: "own memory of the master", unit: "MB", tolerance: 0.02 },
  dict: { name: "shared dict in use", unit: "KB", tolerance: 0.02 },
  rows: { name: "rows of the shared memory", unit: "", tolerance: 0.02 },
  files: { name: "files of the state", unit: "", tolerance: 0 },
  // How many connections to servers are kept depends on the last requests.
  descriptors: { name: "descriptors of master and workers", unit: "", tolerance: 0.1 },
  // The journal grows until it is replaced by an image, so its length at a moment is chance.
  bytes: { name: "bytes of the state, their peak", unit: "KB", tolerance: 0.25 },
};

/** @typedef {Record<keyof typeof MEASURES, number>} Measures */

/** @param {number} pid */
const descriptorsOf = (pid) => readdirSync(`/proc/${pid}/fd`).length;

/** @param {number[]} values */
const sum = (values) => values.reduce((total, value) => total + value, 0);

/**
 * Measures a gateway at rest: without traffic and without old workers.
 * @param {import("../../gateway/support/gateway.mjs").Gateway} gateway
 * @returns {Promise<Measures>}
 */
export async function measure(gateway) {
  await waitFor("old workers have ended", () => gateway.workers().length === gateway.workerCount, 60_000);
  const workers = gateway.workers();
  /** @type {Map<number, number[]>} */
  const answers = new Map();
  await waitFor("each worker answers", async () => {
    const texts = Array.from({ length: 16 }, async () => (await gateway.api.get("/measures")).text);
    for (const text of await Promise.all(texts)) {
      const [pid, ...figures] = text.split(" ").map(Number);
      answers.set(pid, figures);
    }
    return workers.every((pid) => answers.has(pid));
  });
  const [first] = answers.values();
  const state = join(gateway.folder, "state");
  const files = readdirSync(state);
  return {
    workers: sum(workers.map(ownMemoryOf)) / 1e6,
    heaps: sum(workers.map((pid) => answers.get(pid)?.[0] ?? NaN)) / 1e6,
    master: ownMemoryOf(gateway.master) / 1e6,
    dict: first[1] / 1e3,
    rows: first[2],
    files: files.length,
    descriptors: sum([gateway.master, ...workers].map(descriptorsOf)),
    bytes: sum(files.map((name) => statSync(join(state, name)).size)) / 1e3,
  };
}
