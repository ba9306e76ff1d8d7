/** A disk that needs time to hold what was written, and that can fail then. */
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Returns Lua, for `beforeSetup`, that makes each wait for the disk last some time, counts the waits, and
 * makes them fail while a file exists.
 * @param {string} folder of the two files
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
  const [waits, fails] = [join(folder, "waits"), join(folder, "fails")];
  writeFileSync(waits, "");
  // Workers run as the user nobody.
  chmodSync(waits, 0o666);
  return {
    lua: slowLua(folder, seconds),
    /** The number of waits so far. */
    waits: () => readFileSync(waits, "utf8").length,
    breakDown() {
      writeFileSync(fails, "");
    },
    recover() {
      if (existsSync(fails)) rmSync(fails);
    },
  };
}
