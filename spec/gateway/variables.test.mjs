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
 * @param {string} [http] directives
 */
async function countRequests(context, backends, beforeSetup, http = "") {
  const servers = backends.map(({ address }) => ({ server: address }));
  const gateway = await startGateway(context, {
    workers: 1,
    upstreams: { app: { method: "hash", hash: { key: "$arg_key" }, servers } },
    beforeSetup,
    http,
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

/** Gives the variables that Sluice reads an index. */
const INDEXED = `log_format sluice "$upstream_status $upstream_bytes_sent $upstream_bytes_received";`;

test("variables with an index are read by it, and requests are chosen and counted in the same way", async (context) => {
  const backends = await startBackends(context, 3);
  const byName = await countRequests(context, backends, "");
  const byIndex = await countRequests(context, backends, "", INDEXED);
  assert.deepEqual(byIndex, byName);
});

/** Reads a variable twice. Answers with its index and its values. */
const readTwice = `location = /read { content_by_lua_block {
  local reader = require("resty.sluice.live.view.variable")
  local request = require("resty.core.base").get_request()
  local name = reader.variable_name(ngx.var.arg_name)
  local first = reader.read_text(request, name)
  ngx.print(name.index, " ", first, " ", reader.read_text(request, name))
} }`;

test("the index of a variable is found only if it has one", async (context) => {
  const [backend] = await startBackends(context, 1);
  const gateway = await startGateway(context, {
    workers: 1,
    upstreams: { app: { servers: [{ server: backend.address }] } },
    http: `log_format sluice "$request_uri $upstream_status $request_method";`,
    traffic: readTwice,
  });
  const read = async (/** @type {string} */ name) =>
    (await (await fetch(`http://127.0.0.1:${gateway.port}/read?name=${name}`)).text()).split(" ");
  const [uri, ...uris] = await read("request_uri");
  const [method, ...methods] = await read("request_method");
  assert.equal(Number(method), Number(uri) + 2);
  assert.deepEqual(uris, ["/read?name=request_uri", "/read?name=request_uri"]);
  assert.deepEqual(methods, ["GET", "GET"]);
  assert.deepEqual(await read("server_protocol"), ["-2", "HTTP/1.1", "HTTP/1.1"]);
});

/** Lua that counts how often the first variable of nginx.conf is read by its index. */
const countReads = `
  local ffi = require("ffi")
  reads = 0
  local function get_indexed(request, index)
    if index == 0 then
      reads = reads + 1
    end
    return ffi.C.sluice_get_indexed(request, index)
  end
  local function find(_, name)
    return name == "sluice_get_indexed" and get_indexed or ffi.C[name]
  end
  package.loaded.ffi = setmetatable({ C = setmetatable({}, { __index = find }) }, { __index = ffi })`;

test("to find indexes, a worker reads the first variable of nginx.conf once", async (context) => {
  const [backend] = await startBackends(context, 1);
  const gateway = await startGateway(context, {
    workers: 1,
    upstreams: { app: { servers: [{ server: backend.address }] } },
    beforeSetup: countReads,
    http: `log_format sluice "$request_uri $request_method $upstream_status";`,
    traffic: `${readTwice} location = /reads { content_by_lua_block { ngx.print(reads) } }`,
  });
  const ask = async (/** @type {string} */ path) =>
    await (await fetch(`http://127.0.0.1:${gateway.port}${path}`)).text();
  for (const name of ["request_uri", "request_method", "server_protocol", "request_uri"]) {
    const [index] = (await ask(`/read?name=${name}`)).split(" ");
    assert.equal(Number(index) >= 0, name !== "server_protocol", name);
  }
  await ask("/");
  assert.equal(await ask("/reads"), "1");
});
