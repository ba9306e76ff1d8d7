/** No answer of a server costs a worker much CPU time, whatever it contains. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cpuOf } from "./support/cpu.mjs";
import { startGateway } from "./support/gateway.mjs";
import { startProbed } from "./support/probes.mjs";
import { waitFor } from "./support/wait.mjs";

const SIZE = 65_536;
const CHECKS = 5;
/** Several times the cost of a check, and a fraction of the cost in an earlier version. */
const MOST_MILLISECONDS = 100;

/** @param {string} head @param {string} body */
const answer = (head, body) => `HTTP/1.1 200 OK\r\n${head}\r\n\r\n${body}`;
/** @param {string} body */
const whole = (body) => answer(`Content-Length: ${body.length}`, body);

/** @type {Record<string, { match?: object, text: string }>} */
const answers = {
  "a body that almost matches at each byte": {
    match: { body: "ok.*ready" },
    text: whole("ok".repeat(SIZE / 2)),
  },
  "a body that makes the search go back again and again": {
    match: { body: "(\\w+)\\s+\\1" },
    text: whole("a".repeat(SIZE)),
  },
  "a body for which the search takes cubic time": {
    match: { body: "ok.*ok.*ok.*fail" },
    text: whole("ok".repeat(SIZE / 2)),
  },
  "a body in chunks of one byte": {
    text: answer("Transfer-Encoding: chunked", `${"1\r\nx\r\n".repeat(SIZE)}0\r\n\r\n`),
  },
  "a header with a long row of blanks": {
    text: answer(`Content-Length: 0\r\nA:${" ".repeat(16_000)}\rb`, ""),
  },
  "a report of a load with a long row of digits": {
    text: answer(`Content-Length: 0\r\nendpoint-load-metrics: TEXT rps=${"1".repeat(1000)}x`, ""),
  },
};

for (const [name, { match = {}, text }] of Object.entries(answers)) {
  test(`a check costs little when the answer is ${name}`, async (context) => {
    const server = await startProbed(context, (socket) => socket.write(text, "latin1"));
    const health_check = { interval: "100ms", timeout: "10s", match: { status: "200", ...match } };
    const upstreams = { app: { health_check, servers: [{ server: server.address }] } };
    const gateway = await startGateway(context, { upstreams, workers: 1 });
    const [worker] = gateway.workers();
    const arrived = (/** @type {number} */ count) =>
      waitFor(`${count} checks have begun`, () => server.arrivals.length >= count, 60_000);

    // The first check also compiles the expression.
    await arrived(2);
    const before = cpuOf(worker);
    const first = server.arrivals.length;
    await arrived(first + CHECKS);
    const each = (cpuOf(worker) - before) / CHECKS;
    assert.ok(each < MOST_MILLISECONDS, `${each} ms of the processor's time a check`);
  });
}
