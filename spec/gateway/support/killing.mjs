/** Kills the worker that writes, at a given point of the write. */
import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeGateway } from "./gateway.mjs";

/**
 * The point of a write at which its worker is killed: before or after a function of a module.
 * @typedef {{ module: string, name: string, when: "before" | "after" }} Point
 */

/**
 * Returns Lua that makes the next worker at a point kill itself if a file contains the order: the name of the
 * point, and the number of the call at which the worker dies.
 * @param {string} order the file
 * @param {string} id the name of the point
 * @param {Point} point
 */
function killingLua(order, id, { module, name, when }) {
  return `
    do
      local ffi = require("ffi")
      pcall(ffi.cdef, "int kill(int, int)")
      local module = require("resty.sluice.store.${module}")
      local original = module.${name}
      local calls = 0
      local function die()
        local file = io.open("${order}")
        local text = file and file:read("*a") or ""
        if file then file:close() end
        local call = tonumber(text:match("^${id} (%d+)$"))
        if call == nil then calls = 0 return end
        calls = calls + 1
        if calls < call then return end
        io.open("${order}", "w"):close()
        ffi.C.kill(ngx.worker.pid(), 9)
      end
      module.${name} = function(...)
        ${when === "before" ? "die()" : ""}
        local a, b = original(...)
        ${when === "after" ? "die()" : ""}
        return a, b
      end
    end
  `;
}

/**
 * Starts a gateway whose next writer can be killed at one of some points.
 * @param {import("node:test").TestContext} context
 * @param {Point[]} points
 * @param {import("./gateway.mjs").Options} options
 */
export async function startKillingAt(context, points, options) {
  const gateway = await makeGateway(context, options);
  const order = join(gateway.folder, "kill");
  writeFileSync(order, "");
  // Workers run as the user nobody.
  chmodSync(order, 0o666);
  const lua = points.map((point, index) => killingLua(order, `point${index}`, point)).join("");
  gateway.configure({ beforeSetup: lua });
  await gateway.start();
  gateway.log.allow(/worker process \d+ exited on signal 9|was locked by \d+$/);
  return {
    gateway,
    /**
     * Makes a request during which its worker may be killed: it is, unless the request makes fewer calls.
     * @template T
     * @param {number} index of the point
     * @param {number} call the number of the call at which the worker dies, from 1
     * @param {() => Promise<T>} write
     * @returns {Promise<T | undefined>} undefined: the worker was killed
     */
    async killAt(index, call, write) {
      writeFileSync(order, `point${index} ${call}`);
      try {
        return await write();
      } catch (cause) {
        assert.match(String(cause), /socket hang up|ECONNRESET/);
        assert.equal(readFileSync(order, "utf8"), "");
        return undefined;
      } finally {
        writeFileSync(order, "");
      }
    },
  };
}

/**
 * Starts a gateway whose next writer can be killed at a point.
 * @param {import("node:test").TestContext} context
 * @param {Point} point
 * @param {import("./gateway.mjs").Options} options
 */
export async function startKilling(context, point, options) {
  const { gateway, killAt } = await startKillingAt(context, [point], options);
  return {
    gateway,
    /** Makes a request that kills its worker. @param {() => Promise<unknown>} write */
    async killWith(write) {
      assert.equal(await killAt(0, 1, write), undefined, "the worker is killed");
    },
  };
}
