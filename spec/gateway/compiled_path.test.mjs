/** LuaJIT compiles the path of a request, whatever methods and other Lua code a worker has. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startLoad } from "./support/load.mjs";
import { waitFor } from "./support/wait.mjs";

/** Enough for LuaJIT to try each path of an upstream that one request in 20 takes. */
const REQUESTS_AN_UPSTREAM = 350;

/**
 * Follows what LuaJIT compiles during the two phases. An attempt may fail, because another one succeeds.
 * LuaJIT has given up when it compiles an exit as a return to the interpreter, or marks a place as not to be
 * compiled: the names of those instructions begin with I.
 */
const record = `
local util, names = require("jit.util"), require("jit.vmdef").bcnames
local place, func_at, pc_at, code_at = nil, nil, nil, nil
local given_up, failed, reasons, compiled, flushes, is_following = {}, {}, {}, 0, 0, false
local function location(func, pc)
  local info = type(func) == "function" and util.funcinfo(func, pc) or {}
  return (info.source or "?") .. ":" .. (info.currentline or 0)
end
local function instruction(func, pc)
  local code = util.funcbc(func, pc)
  local first = code % 256 * 6 + 1
  return names:sub(first, first + 5):gsub(" ", "")
end
jit.attach(function(what, trace, func, pc, code, detail)
  if what == "start" then
    local phase = ngx.get_phase()
    place = is_following and (phase == "balancer" or phase == "log") and location(func, pc) or nil
    func_at, pc_at, code_at = func, pc, code
  elseif what == "flush" then
    flushes = flushes + 1
  elseif place and what == "stop" then
    compiled = compiled + 1
    local link = util.traceinfo(trace).linktype
    if link == "interpreter" then given_up[#given_up + 1] = "exit at " .. place .. ": " .. tostring(reasons[place]) end
  elseif place and what == "abort" then
    reasons[place] = "at " .. location(func, pc) .. ", error " .. tostring(code)
    if not code_at and type(func_at) == "function" then
      failed[place] = { func = func_at, pc = pc_at }
    end
  end
end, "trace")
function follow_compiler() is_following = true end
function compiler_state()
  local marked = {}
  for at, one in pairs(failed) do
    if instruction(one.func, one.pc):match("^I[FLJI]") then marked[#marked + 1] = at .. ": " .. reasons[at] end
  end
  return require("cjson").encode({
    given_up = table.concat(given_up, "; "), marked = table.concat(marked, "; "),
    compiled = compiled, flushes = flushes,
  })
end
`;

const show = `
  location = /follow { content_by_lua_block { follow_compiler() } }
  location = /compiler { content_by_lua_block { ngx.print(compiler_state()) } }`;

/** Other code of users, which LuaJIT compiles too. */
const otherCode = `access_by_lua_block {
  local sum = 0
  for word in ("a b c d"):gmatch("%a") do sum = sum + #word end
  for index = 1, 20 do sum = sum + index % 3 end
  ngx.ctx.words = sum .. ngx.var.uri
}
header_filter_by_lua_block { ngx.header["X-Words"] = ngx.ctx.words }`;

/**
 * Upstreams whose requests need no loop. Several weights and `least_time` are not included: LuaJIT was seen
 * to give up an exit of their loops. `least_load` is not included because it compares servers in a loop too;
 * it was never seen to fail.
 * @param {{ server: string }[]} servers
 */
function mixedUpstreams(servers) {
  const members = [
    { upstream: "v1", weight: 9 },
    { upstream: "v2", weight: 1 },
  ];
  const hash = { key: "$request_id", consistent: true };
  const zoned = servers.map((one, index) => ({ ...one, zone: index < 3 ? "a" : "b" }));
  return {
    app: { servers },
    least_conn: { method: "least_conn", servers },
    random: { method: "random", random: { two: "least_conn" }, servers },
    hash: { method: "hash", hash, servers },
    bound: { method: "hash", hash: { ...hash, balance_factor: 150 }, servers },
    sticky: { sticky: { cookie: { name: "srv" } }, servers },
    zones: { zones: {}, servers: zoned },
    limits: {
      servers: servers.map((server) => ({ ...server, max_conns: 1000 })),
      outlier_detection: {},
      retries: { budget: {} },
    },
    v1: { servers: servers.slice(0, 2) },
    v2: { servers: servers.slice(2) },
    turns: { split: { members } },
    keys: { split: { by: "$request_id", members } },
  };
}

/** It depends on chance which exits LuaJIT tries, so it may give one up in a start, but not in all. */
const MOST_STARTS = 4;

/**
 * Starts a worker, sends requests, and returns what LuaJIT has given up.
 * @param {import("node:test").TestContext} context
 */
async function followCompiler(context) {
  const backends = await startBackends(context, 4);
  const upstreams = mixedUpstreams(backends.map(({ address }) => ({ server: address })));
  const gateway = await startGateway(context, {
    workers: 1,
    upstreams,
    setup: { zone: "a" },
    dict: "16m",
    initWorker: `init_worker_by_lua_block { ${record} require("resty.sluice").init_worker() }`,
    traffic: `${show} ${otherCode}`,
  });
  const url = `http://127.0.0.1:${gateway.port}`;
  const names = Object.keys(upstreams).filter((name) => !/^v\d$/.test(name));
  const path = (/** @type {number} */ number) => `/to/${names[number % names.length]}`;
  // The first request to an upstream runs code that makes it, which need not be compiled.
  for (const name of names) assert.equal((await fetch(`${url}/to/${name}`)).status, 200);
  await fetch(`${url}/follow`);
  const load = startLoad(context, { port: gateway.port, connections: 8, path });
  const wanted = REQUESTS_AN_UPSTREAM * names.length;
  await waitFor(`${wanted} requests`, () => load.answers >= wanted, 240_000);
  await load.stop();
  const state = await (await fetch(`${url}/compiler`)).json();
  assert.ok(state.compiled > names.length, `LuaJIT compiles requests: ${JSON.stringify(state)}`);
  const { given_up, marked, flushes } = state;
  return { given_up, marked, flushes };
}

test("no part of a request's path without loops stays interpreted, with mixed methods in one worker", async (context) => {
  const states = [];
  while (states.length < MOST_STARTS && states.at(-1)?.given_up !== "") {
    const state = await followCompiler(context);
    states.push(state);
    assert.deepEqual({ ...state, given_up: "" }, { given_up: "", marked: "", flushes: 0 });
  }
  assert.equal(states.at(-1)?.given_up, "", JSON.stringify(states));
});
