/** The variables that Sluice reads of each request, with and without nginx's own functions. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { askAll } from "./support/load.mjs";
import { settledStatusOf } from "./support/overview.mjs";

/** Lua that hides some of nginx's functions, as a linker may, and counts the attempts to find them. */
const hideFunctions = `
  local ffi = require("ffi")
  attempts = 0
  local function find(_, name)
    if name:find("^sluice_parse_") then
      attempts = attempts + 1
      error("undefined symbol: " .. name)
    end
    return ffi.C[name]
  end
  package.loaded.ffi = setmetatable({ C = setmetatable({}, { __index = find }) }, { __index = ffi })`;

const showAttempts = "location = /attempts { content_by_lua_block { ngx.print(attempts or 0) } }";

const REQUESTS = 40;

/**
 * Sends requests to servers that a hash of a key chooses. Returns what Sluice has counted.
 * @param {import("node:test").TestContext} context
 * @param {import("./support/backend.mjs").Backend[]} backends
 * @param {string} beforeSetup Lua
 */
async function countRequests(context, backends, beforeSetup) {
  const servers = backends.map(({ address }) => ({ server: address }));
  const gateway = await startGateway(context, {
    workers: 1,
    upstreams: { app: { method: "hash", hash: { key: "$arg_key" }, servers } },
    beforeSetup,
    traffic: showAttempts,
  });
  const paths = Array.from(
    { length: REQUESTS },
    (_, number) => `/?key=${number}&status=${number % 4 === 0 ? 404 : 200}`,
  );
  await askAll(gateway.port, paths);
  const status = await settledStatusOf(gateway.api, REQUESTS);
  const attempts = Number(await (await fetch(`http://127.0.0.1:${gateway.port}/attempts`)).text());
  const counted = status.servers.map((/** @type {any} */ { requests, responses, sent, received }) => ({
    requests,
    responses,
    received,
    // The port of the gateway is a part of what it sends.
    has_sent: sent > 0,
  }));
  return { attempts, counted, responses: status.responses };
}

test("without nginx's own functions, requests are chosen and counted in the same way", async (context) => {
  const backends = await startBackends(context, 3);
  const hashed = await countRequests(context, backends, "");
  const named = await countRequests(context, backends, hideFunctions);
  assert.equal(hashed.attempts, 0);
  assert.ok(named.attempts > 0, "the functions were looked for");
  assert.deepEqual(named.counted, hashed.counted);
  assert.deepEqual(named.responses, { "2xx": 30, "4xx": 10 });
});
