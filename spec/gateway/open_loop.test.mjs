/** The client and servers of `npm run bench -- confirm`. A slow machine only makes times longer. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sendRequests } from "../../bench/load/open_loop.mjs";
import { startServers } from "../../bench/load/start_servers.mjs";

/** @type {Awaited<ReturnType<typeof startServers>>} */
let servers;

before(async () => {
  servers = await startServers({
    servers: [
      { slots: 1, speed: 1 },
      { slots: 1, speed: 0.5 },
    ],
    noise: [0, 1].map((index) => ({ time: 0, index, factor: 0.5 })),
  });
  servers.start(Date.now());
});

after(() => servers.stop());

/** @param {number} index of the server @param {number[]} works @param {number} [late] in milliseconds */
async function latencies(index, works, late = 0) {
  const requests = works.map((work) => ({ time: 0, work }));
  const sent = await sendRequests(servers.ports[index], requests, Date.now() - late);
  assert.deepEqual(
    sent.map(({ status }) => status),
    works.map(() => 200),
  );
  return sent.map(({ latency }) => latency).sort((one, other) => one - other);
}

test("the time of a request counts from when it was planned, not from when it was sent", async () => {
  const [latency] = await latencies(0, [0.001], 3000);
  assert.ok(latency > 2900, `${latency} ms`);
});

test("a service takes its work divided by the speed and the noise of the server", async () => {
  const [latency] = await latencies(1, [0.1]);
  assert.ok(latency > 380, `${latency} ms`);
});

test("a request waits until a slot is free", async () => {
  const [first, second] = await latencies(0, [0.1, 0.1]);
  assert.ok(first > 180 && second > 380, `${first} and ${second} ms`);
});
