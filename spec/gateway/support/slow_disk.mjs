/** A disk that needs time to hold what was written, and that can stop for a while, or fail. */
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Returns Lua, for `beforeSetup`, that makes each wait for the disk last some time, counts the waits, lets
 * them last while one file exists, and makes them fail while another one exists.
 * @param {string} folder of the files
 * @param {number} seconds
 */
function slowLua(folder, seconds) {
  return `
    do
      local sync = require("resty.sluice.store.disk.sync")
      local original = sync.sync_change
      sync.sync_change = function(fd)
        if ngx.get_phase() == "init" or not sync.forces_changes() then return original(fd) end
        local file = io.open("${folder}/waits", "a")
        file:write(".")
        file:close()
        ngx.sleep(${seconds})
        local stopped = io.open("${folder}/stopped")
        while stopped ~= nil do
          stopped:close()
          ngx.sleep(0.01)
          stopped = io.open("${folder}/stopped")
        end
        local fails = io.open("${folder}/fails")
        if fails == nil then return original(fd) end
        fails:close()
        return nil, "Input/output error"
      end
    end
  `;
}

/**
 * Makes the disk of a gateway slow, before it is started.
 * @param {import("./gateway.mjs").Gateway} gateway
 * @param {number} seconds
 */
export function slowDisk(gateway, seconds) {
  const { folder } = gateway;
  const [waits, stopped, fails] = ["waits", "stopped", "fails"].map((name) => join(folder, name));
  writeFileSync(waits, "");
  // Workers run as the user nobody.
  chmodSync(waits, 0o666);
  return {
    lua: slowLua(folder, seconds),
    /** The number of waits so far. */
    waits: () => readFileSync(waits, "utf8").length,
    /** Lets each wait last until `goOn`. */
    stop() {
      writeFileSync(stopped, "");
    },
    goOn() {
      rmSync(stopped);
    },
    breakDown() {
      writeFileSync(fails, "");
    },
    recover() {
      if (existsSync(fails)) rmSync(fails);
    },
  };
}
