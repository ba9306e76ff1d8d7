/** Active health checks with gRPC: real servers, silent ones, and servers that break the protocol. */
import assert from "node:assert/strict";
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import { test } from "node:test";
import { atEnd } from "./support/cleanup.mjs";
import { becomes } from "./support/health.mjs";
import { freePort } from "./support/ports.mjs";
import { resultsOf, startProbed, startProber, timeToQuit, WELL } from "./support/probes.mjs";
import { serversOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

const METHOD = "grpc.health.v1.Health/Check";
const quick = { type: "grpc", interval: "200ms", timeout: "3s" };

/** @param {Buffer} bytes */
const asIs = (bytes) => bytes;

/** The service `Health`, whose messages are bytes. */
const health = {
  check: {
    path: `/${METHOD}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
};

/**
 * Starts a real gRPC server.
 * @param {import("node:test").TestContext} context
 * @param {((call: any, callback: any) => void) | undefined} check undefined: without the service `Health`
 */
async function startGrpc(context, check) {
  const server = new Server();
  if (check) server.addService(health, { check });
  const address = `127.0.0.1:${await freePort()}`;
  await new Promise((resolve, reject) => {
    const credentials = ServerCredentials.createInsecure();
    server.bindAsync(address, credentials, (problem) => (problem === null ? resolve(0) : reject(problem)));
  });
  atEnd(context, () => server.forceShutdown());
  return { address, server };
}

/** @param {number} value of `ServingStatus` */
const serving = (value) => Buffer.from([8, value]);

/**
 * @param {import("./support/gateway.mjs").Gateway} gateway
 * @param {string} address
 */
function firstResult(gateway, address) {
  return waitFor(`${address} is probed`, () => resultsOf(gateway, address)[0]);
}

test("a check with gRPC follows what a real server answers", async (context) => {
  let state = 1;
  const calls = [];
  const { address, server } = await startGrpc(context, (call, callback) => {
    calls.push({
      service: call.request.toString("latin1"),
      metadata: call.metadata.getMap(),
      host: call.getHost(),
    });
    callback(null, serving(state));
  });
  const check = { ...quick, grpc_service: "shop.Cart", host: "shop.example", headers: { "X-Probe": "yes" } };
  const gateway = await startProber(context, check, [address], { workers: 1 });
  assert.deepEqual(await firstResult(gateway, address), {
    passed: true,
    reason: `${METHOD} returned 1 (SERVING)`,
  });
  assert.equal(calls[0].service, "\n\x09shop.Cart");
  assert.equal(calls[0].metadata["x-probe"], "yes");
  assert.match(String(calls[0].metadata["user-agent"]), /^sluice\//);
  assert.equal(calls[0].host, "shop.example");
  await becomes(gateway.api, address, "up");
  state = 2;
  await becomes(gateway.api, address, "unhealthy");
  assert.deepEqual(resultsOf(gateway, address).at(-1), {
    passed: false,
    reason: `${METHOD} returned 2 (NOT_SERVING)`,
  });
  state = 1;
  await becomes(gateway.api, address, "up");
  server.forceShutdown();
  await becomes(gateway.api, address, "unhealthy");
  assert.match(resultsOf(gateway, address).at(-1)?.reason ?? "", /connection refused|closed|reset/);
});

test("a failed call fails a check, unless grpc_status accepts its status", async (context) => {
  const unknown = await startGrpc(context, (_call, callback) =>
    callback({ code: status.NOT_FOUND, details: "x" }),
  );
  const without = await startGrpc(context, undefined);
  const gateway = await startProber(context, quick, [unknown.address, without.address], { workers: 1 });
  assert.deepEqual(await firstResult(gateway, unknown.address), {
    passed: false,
    reason: `${METHOD} returned the status 5 (NOT_FOUND)`,
  });
  const reason = `${METHOD} returned the status 12 (UNIMPLEMENTED)`;
  assert.deepEqual(await firstResult(gateway, without.address), { passed: false, reason });
  await gateway.api.expect(200, "PATCH", sluice(), { health_check: { ...quick, grpc_status: 12 } });
  await waitFor("the status passes", () => resultsOf(gateway, without.address).at(-1)?.passed);
  assert.equal(resultsOf(gateway, without.address).at(-1)?.reason, reason);
  assert.equal(resultsOf(gateway, unknown.address).at(-1)?.passed, false);
});

test("a slow call fails its check after the timeout", async (context) => {
  const slow = await startGrpc(context, (_call, callback) =>
    setTimeout(callback, 60_000, null, serving(1)).unref(),
  );
  const gateway = await startProber(context, { ...quick, timeout: "1s" }, [slow.address], { workers: 1 });
  const { passed, reason } = await firstResult(gateway, slow.address);
  assert.equal(passed, false);
  // The server has the same time limit, and may notice it first.
  assert.match(reason, /did not answer within 1s$|status 4 \(DEADLINE_EXCEEDED\)$|status 1 \(CANCELLED\)$/);
});

/** @param {number} type @param {number} flags @param {number} stream @param {Buffer} [payload] */
function frame(type, flags, stream, payload = Buffer.alloc(0)) {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

const SETTINGS = frame(4, 0, 0);
const PING = frame(6, 0, 0, Buffer.alloc(8));
const HUGE = frame(0, 0, 1, Buffer.alloc(16_384));
const HEAD = frame(1, 4, 1, Buffer.from([0x88]));

/**
 * What hostile servers send, again and again if it is a flood, and the reported reasons.
 * @type {Record<string, { bytes: Buffer | string, flood?: Buffer, reason: RegExp }>}
 */
const hostile = {
  silence: { bytes: "", reason: /did not answer within 3s$/ },
  "SETTINGS only": { bytes: SETTINGS, reason: /did not answer within 3s$/ },
  "HTTP/1": { bytes: WELL, reason: /it is not HTTP\/2$/ },
  garbage: { bytes: "SSH-2.0-x\r\n", reason: /or it is not HTTP\/2$/ },
  "a flood of PING": {
    bytes: SETTINGS,
    flood: PING,
    reason: /it sent 100 frames without a complete answer$/,
  },
  "a flood of SETTINGS": { bytes: SETTINGS, flood: SETTINGS, reason: /it sent 100 frames/ },
  "a flood of empty CONTINUATION": {
    bytes: Buffer.concat([SETTINGS, frame(1, 0, 1)]),
    flood: frame(9, 0, 1),
    reason: /it sent 100 frames/,
  },
  "a flood of data": {
    bytes: Buffer.concat([SETTINGS, HEAD]),
    flood: HUGE,
    reason: /its answer is larger than 16384 bytes$/,
  },
  "a header that repeats a large entry": {
    bytes: Buffer.concat([
      SETTINGS,
      frame(
        1,
        4,
        1,
        Buffer.concat([
          Buffer.from([0x40, 1, 97, 0x7f, 0xa1, 0x1e]),
          Buffer.alloc(4000, 98),
          Buffer.alloc(9000, 0xbe),
        ]),
      ),
    ]),
    reason: /its headers are larger than 16384 bytes$/,
  },
  "a frame that is too large": {
    bytes: Buffer.concat([SETTINGS, Buffer.from([255, 255, 255, 0, 0, 0, 0, 0, 1])]),
    reason: /a frame of more than 16384 bytes/,
  },
  GOAWAY: {
    bytes: Buffer.concat([SETTINGS, frame(7, 0, 0, Buffer.alloc(8))]),
    reason: /it refused the request with GOAWAY \(NO_ERROR\)$/,
  },
  RST_STREAM: {
    bytes: Buffer.concat([SETTINGS, frame(3, 0, 1, Buffer.from([0, 0, 0, 7]))]),
    reason: /it reset the stream with REFUSED_STREAM$/,
  },
  "an answer that is not gRPC": {
    bytes: Buffer.concat([SETTINGS, frame(1, 5, 1, Buffer.from([0x88]))]),
    reason: /its answer is not gRPC$/,
  },
  "an HTTP error": {
    bytes: Buffer.concat([SETTINGS, frame(1, 5, 1, Buffer.from([0x8d]))]),
    reason: /it returned the HTTP status 404$/,
  },
};

test("a server that does not keep to the protocol fails its check, and costs a bounded effort", async (context) => {
  const servers = [];
  for (const [name, { bytes, flood, reason }] of Object.entries(hostile)) {
    const server = await startProbed(context, (socket, number) => {
      // The acknowledgement of SETTINGS arrives as well.
      if (number === 1) socket.write(bytes, "latin1");
      if (flood === undefined || number > 1) return;
      const many = Buffer.concat(Array.from({ length: 100 }, () => flood));
      const write = () => {
        while (socket.writable && socket.write(many));
      };
      socket.on("drain", write);
      write();
    });
    servers.push({ name, reason, server });
  }
  const addresses = servers.map(({ server }) => server.address);
  const gateway = await startProber(context, { ...quick, interval: "1s" }, addresses, { workers: 1 });
  for (const { name, reason, server } of servers) {
    const result = await firstResult(gateway, server.address);
    assert.equal(result.passed, false, name);
    assert.match(result.reason, reason, name);
    assert.ok(result.reason.includes(METHOD), result.reason);
  }
  await waitFor("connections are closed", () => servers.every(({ server }) => server.open <= 1));
});

test("PING is answered, and the request begins with the preface", async (context) => {
  let received = Buffer.alloc(0);
  const payload = Buffer.from("12345678");
  const server = await startProbed(context, (socket, number) => {
    received = Buffer.concat([received, Buffer.from(server.request, "latin1")]);
    if (number === 1) socket.write(Buffer.concat([SETTINGS, frame(6, 0, 0, payload)]));
  });
  await startProber(context, quick, [server.address], { workers: 1 });
  const pong = frame(6, 1, 0, payload);
  await waitFor("PING is answered", () => received.includes(pong));
  assert.ok(received.toString("latin1").startsWith("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
  assert.ok(received.includes(frame(4, 1, 0)), "SETTINGS are acknowledged");
});

test("nginx quits at once while checks with gRPC hang", async (context) => {
  const server = await startProbed(
    context,
    (socket, number) => void (number === 1 && socket.write(SETTINGS)),
  );
  const gateway = await startProber(context, { ...quick, timeout: "30s" }, [server.address]);
  await waitFor("the server has a check", () => server.arrivals.length > 0);
  const milliseconds = await timeToQuit(gateway);
  assert.ok(milliseconds < 10_000, `the stop took ${milliseconds} ms`);
});

test("the address guard holds for checks with gRPC", async (context) => {
  const { address } = await startGrpc(context, (_call, callback) => callback(null, serving(1)));
  const init = `require("resty.sluice").setup({ guard = { ports = "1024-65535" } })`;
  const gateway = await startProber(context, quick, [address], { initLua: init, workers: 1 });
  await gateway.api.expect(201, "PUT", sluice(), { servers: [{ server: address }] });
  const refused = await gateway.api.patch(sluice(), { health_check: { ...quick, port: 22 } });
  assert.equal(refused.status, 403);
  assert.match(refused.body.error.text, /"health_check\.port": "22" is not allowed/);
  const { status: code } = await gateway.api.post(serversOf(), { server: "127.0.0.1:80" });
  assert.equal(code, 403);
});
