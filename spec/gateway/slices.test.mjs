/** Long work on one upstream: other requests of the worker go on, and changes stay whole and serial. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { test } from "node:test";
import { startGateway } from "./support/gateway.mjs";
import { sluice, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

/** @typedef {import("./support/gateway.mjs").Gateway} Gateway */

const path = sluice("large");

/** @param {number} count @param {number} weight */
function bodyOf(count, weight) {
  const servers = Array.from({ length: count }, (_, number) => ({ server: someAddress(number), weight }));
  return JSON.stringify({ servers });
}

/**
 * Sends a request on a connection of its own. The answer is not checked against its description, which would
 * keep this process busy meanwhile.
 * @param {Gateway} gateway @param {string} method @param {string} target @param {string} [body]
 * @param {Record<string, string>} [headers]
 */
async function send({ apiPort }, method, target, body, headers = {}) {
  const sent = request({ host: "127.0.0.1", port: apiPort, method, path: target, headers, agent: false });
  sent.end(body);
  const [response] = await once(sent, "response");
  const pieces = [];
  response.on("data", (piece) => pieces.push(piece));
  await once(response, "end");
  return { status: response.statusCode, etag: response.headers.etag, text: Buffer.concat(pieces).toString() };
}

/** Returns the weights that servers have, each once. @param {{ text: string }} answer */
const weightsOf = ({ text }) => [...new Set(JSON.parse(text).servers.map(({ weight }) => weight))];

/**
 * Returns how long a request took, and the longest of those that followed each other meanwhile.
 * @param {Gateway} gateway @param {() => Promise<{ status: number | undefined }>} work
 */
async function timesDuring(gateway, work) {
  let isOver = false;
  const began = performance.now();
  const working = work().then(({ status }) => {
    isOver = true;
    return { status, elapsed: performance.now() - began };
  });
  let longest = 0;
  while (!isOver) {
    const asked = performance.now();
    await send(gateway, "GET", sluice("other"));
    longest = Math.max(longest, performance.now() - asked);
  }
  return { ...(await working), longest };
}

test("a worker answers others while it works on PUT of 20,000 servers", async (context) => {
  const upstreams = { other: { servers: [{ server: "127.0.0.1:9" }] } };
  const gateway = await startGateway(context, { workers: 1, dict: "64m", upstreams });
  assert.equal((await send(gateway, "PUT", path, bodyOf(20_000, 1))).status, 201);
  let weight = 1;
  await waitFor("each other request takes at most a third of the time of the change", async () => {
    weight = 3 - weight;
    const body = bodyOf(20_000, weight);
    const { status, elapsed, longest } = await timesDuring(gateway, () => send(gateway, "PUT", path, body));
    assert.equal(status, 200);
    return longest < elapsed / 3;
  });
});

/** Lua that says whether a turn is long: at first, after work, in another thread, in the next turn. */
const LOOK_AT_TURN = `
  local clock = require("resty.sluice.lib.clock")
  local pause = require("resty.sluice.lib.pause")
  local answers = {}
  local function look() answers[#answers + 1] = tostring(pause.is_turn_long()) end
  ngx.sleep(0.02)
  look()
  local till = clock.kernel_now() + 0.01
  while clock.kernel_now() < till do end
  look()
  ngx.thread.wait(ngx.thread.spawn(look))
  pause.pause()
  look()
  ngx.print(table.concat(answers, " "))`;

test("the jobs of a worker share the time that they may take in a turn of the event loop", async (context) => {
  const api = `location = /turn { content_by_lua_block { ${LOOK_AT_TURN} } }`;
  const gateway = await startGateway(context, { workers: 1, upstreams: {}, api });
  await waitFor("a turn is long after work, for all threads, until the next turn", async () => {
    const { text } = await send(gateway, "GET", "/turn");
    return text === "false true true false";
  });
});

test("changes of a large upstream at once are made one after another, and none is seen in part", async (context) => {
  const gateway = await startGateway(context, { workers: 2, dict: "64m" });
  const created = await send(gateway, "PUT", path, bodyOf(4000, 1));
  const first = Number(JSON.parse(created.etag ?? ""));
  let isOver = false;
  const reading = (async () => {
    while (!isOver) assert.equal(weightsOf(await send(gateway, "GET", path)).length, 1);
  })();
  const weights = [2, 3, 4, 5, 6, 7];
  const answers = await Promise.all(
    weights.map((weight) => send(gateway, "PUT", path, bodyOf(4000, weight))),
  );
  isOver = true;
  await reading;
  for (const [index, answer] of answers.entries()) {
    assert.equal(answer.status, 200);
    assert.deepEqual(weightsOf(answer), [weights[index]]);
  }
  const revisions = answers.map(({ etag }) => Number(JSON.parse(etag ?? ""))).toSorted((a, b) => a - b);
  assert.deepEqual(
    revisions,
    weights.map((_, index) => first + 1 + index),
  );
  const last = answers.find(({ etag }) => etag === `"${revisions.at(-1)}"`);
  const now = await send(gateway, "GET", path);
  assert.deepEqual([now.etag, now.text], [last?.etag, last?.text]);

  const [one, other] = await Promise.all(
    [8, 9].map((weight) => send(gateway, "PUT", path, bodyOf(4000, weight), { "If-Match": now.etag })),
  );
  assert.deepEqual([one.status, other.status].toSorted(), [200, 412]);
  assert.deepEqual(weightsOf(await send(gateway, "GET", path)), [one.status === 200 ? 8 : 9]);
});
