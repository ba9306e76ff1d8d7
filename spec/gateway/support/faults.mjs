/** Ways in which a server fails and recovers, and nginx's log messages for each. */
import { startBackend } from "./backend.mjs";
import { startServerProcess } from "./server_process.mjs";

/**
 * @typedef {object} Faulty
 * @property {string} address
 * @property {() => unknown} fail
 * @property {() => unknown} recover
 */

/**
 * @typedef {object} Fault
 * @property {(context: import("node:test").TestContext) => Promise<Faulty>} start
 * @property {RegExp[]} logged
 * @property {string} [next_upstream] the necessary value of `proxy_next_upstream`
 */

export const wasReset = /(Connection reset by peer|prematurely closed connection).*upstream/;
export const wasRefused = /connect\(\) failed \(111: Connection refused\) while connecting to upstream/;
export const noneIsLeft = /no live upstreams while connecting to upstream/;
const wasLate =
  /upstream timed out \(110: Connection timed out\) while (connecting to|reading response header from) upstream/;
const wasNoHttp = /upstream sent invalid header/;

/**
 * Returns a fault in which the server answers with another behaviour.
 * @param {import("./backend.mjs").Behaviour} behaviour
 */
function behaving(behaviour) {
  return async (/** @type {import("node:test").TestContext} */ context) => {
    const backend = await startBackend(context);
    return {
      address: backend.address,
      fail: () => (backend.behaviour = behaviour),
      recover: () => (backend.behaviour = {}),
    };
  };
}

/**
 * Time from an answer to the reset of its connection, so that nginx reads the answer first, in milliseconds.
 */
const RESET_AFTER = 100;

/**
 * Returns a fault in which the server answers each request with these bytes.
 * @param {string} bytes
 * @param {boolean} [resets] true: the server resets the connection after the bytes
 */
export function answeringRaw(bytes, resets = false) {
  return async (/** @type {import("node:test").TestContext} */ context) => {
    const backend = await startBackend(context);
    const [answer] = backend.server.listeners("request");
    const answerRaw = (/** @type {import("node:http").IncomingMessage} */ { socket }) => {
      socket.write(bytes, () =>
        resets ? setTimeout(() => socket.resetAndDestroy(), RESET_AFTER) : socket.end(),
      );
    };
    /** @param {any} listener */
    const use = (listener) => backend.server.removeAllListeners("request").on("request", listener);
    return { address: backend.address, fail: () => use(answerRaw), recover: () => use(answer) };
  };
}

/** @type {Record<string, Fault>} */
export const faults = {
  "killed with kill -9": {
    start: async (context) => {
      const server = await startServerProcess(context);
      return { address: server.address, fail: () => server.kill(), recover: () => server.start() };
    },
    logged: [wasRefused, wasReset],
  },
  refusing: {
    start: async (context) => {
      const backend = await startBackend(context);
      const [host, port] = backend.address.split(":");
      const recover = () => backend.listen({ host, port: Number(port) });
      return { address: backend.address, fail: () => backend.close(), recover };
    },
    logged: [wasRefused, wasReset],
  },
  "hanging at connect": {
    start: async (context) => {
      const server = await startServerProcess(context);
      return { address: server.address, fail: () => server.hang(), recover: () => server.goOn() };
    },
    logged: [wasLate],
  },
  "hanging after the request": { start: behaving({ hang: 1 }), logged: [wasLate] },
  "resetting before it answers": { start: behaving({ reset: 1 }), logged: [wasReset] },
  "answering 500": { start: behaving({ status: 500 }), logged: [], next_upstream: "http_500" },
  "answering 429": { start: behaving({ status: 429 }), logged: [], next_upstream: "http_429" },
  "answering garbage after the status line": {
    start: answeringRaw("HTTP/1.1 200 OK\r\n\u0000\u0001 garbage\r\n\r\n"),
    logged: [wasNoHttp],
    next_upstream: "invalid_header",
  },
};
