import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * The parts of a request in a profile of callgrind. A part is a function of nginx or of lua-nginx-module,
 * with all that it calls. What LuaJIT has compiled has no names.
 */

/** The functions of the parts. */
const FUNCTIONS = {
  /** Runs all timers. They depend on time, not on requests, so that their instructions are subtracted. */
  timers: "ngx_event_expire_timers",
  balance: "ngx_http_lua_balancer_handler_inline",
  log: "ngx_http_lua_log_handler",
  /** Runs the Lua code of both phases. */
  lua: "lua_pcall",
  peer: "ngx_http_lua_ffi_balancer_set_current_peer",
  /** Read variables by name, and those of which Sluice knows the index. */
  named: "ngx_http_get_variable",
  indexed: "ngx_http_get_flushed_variable",
};

/**
 * Instructions of one request.
 *
 * @typedef {object} Parts
 * @property {number} total
 * @property {number} nginx all but the two phases
 * @property {number} balance the phase `balancer_by_lua`
 * @property {number} log the phase `log_by_lua`
 * @property {number} glue lua-nginx-module's own work in both phases, such as calling Lua
 * @property {number} peer of them: nginx parses the address that Lua has chosen
 * @property {number} variables of them: nginx finds and formats `$upstream_*` and keys
 * @property {number} lua of them: the rest, which is the Lua code
 */

/**
 * Reads a profile without timers.
 * @param {string} file
 * @param {number} requests
 * @returns {Parts}
 */
export function readProfile(file, requests) {
  const all = Number(/^totals: (\d+)$/m.exec(readFileSync(file, "utf8"))?.[1]);
  if (!(all > 0)) throw new Error(`callgrind has counted nothing: ${file}`);
  const inclusive = execFileSync("callgrind_annotate", ["--inclusive=yes", "--threshold=100", file], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  const count = (/** @type {string} */ name) =>
    Number(new RegExp(`^ *([\\d,]+) .*:${name}\\b`, "m").exec(inclusive)?.[1].replaceAll(",", "") ?? 0) /
    requests;
  const { timers, balance, log, lua, peer, named, indexed } = Object.fromEntries(
    Object.entries(FUNCTIONS).map(([part, name]) => [part, count(name)]),
  );
  const total = all / requests - timers;
  const variables = named + indexed;
  return {
    total,
    nginx: total - balance - log,
    balance,
    log,
    glue: balance + log - lua,
    peer,
    variables: lua === 0 ? 0 : variables,
    lua: Math.max(0, lua - peer - variables),
  };
}
