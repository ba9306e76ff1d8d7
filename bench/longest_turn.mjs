/**
 * How long the workers of a gateway do not look for events, in CPU time. A request waits as long for the
 * worker, apart from what the worker itself waits for its processor.
 *
 * A timer that is due after a millisecond runs first among those that a turn of the event loop makes due. It
 * notes the CPU time that the worker has used since it ran last: that of one turn, with all its events.
 */
import { openClient } from "./client.mjs";

/** @typedef {import("./gateway.mjs").Gateway} Gateway */

/** Directives of the block `http`. */
export const TURNS_DICT = "lua_shared_dict bench_turns 64k;";

/** Lua code for `init_worker_by_lua`, before the measured code. A worker that exits is not measured. */
export const WATCH_TURNS = `
    local ffi = require("ffi")
    ffi.cdef [[
      struct bench_time { long seconds, nanoseconds; };
      int bench_clock(int, struct bench_time *) __asm__("clock_gettime");
    ]]
    local time = ffi.new("struct bench_time")
    local function cpu_time()
      ffi.C.bench_clock(3, time) -- CLOCK_THREAD_CPUTIME_ID
      return tonumber(time.seconds) * 1e3 + tonumber(time.nanoseconds) / 1e6
    end
    local turns, key = ngx.shared.bench_turns, tostring(ngx.worker.pid())
    local before = cpu_time()
    ngx.timer.at(0.001, function()
      while not ngx.worker.exiting() do
        ngx.sleep(0.001)
        local now = cpu_time()
        if now - before > (turns:get(key) or 0) then turns:set(key, now - before) end
        before = cpu_time()
      end
    end)`;

/** A location that answers with the longest turn of all workers, in milliseconds, and forgets it. */
export const TURNS_LOCATION = `location = /longest_turn {
      content_by_lua_block {
        local turns, longest = ngx.shared.bench_turns, 0
        for _, key in ipairs(turns:get_keys(0)) do
          longest = math.max(longest, turns:get(key) or 0)
          turns:delete(key)
        end
        ngx.print(longest)
      }
    }`;

/** Returns the longest turn of all workers since the last call, in milliseconds. @param {Gateway} gateway */
export async function longestTurn({ place: { apiPort } }) {
  const client = await openClient(apiPort);
  const { body } = await client.expect(200, "GET", "/longest_turn");
  client.close();
  return Number(body);
}
