/** Servers that are probed, and gateways that log the results of their probes. */
import { once } from "node:events";
import { createServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { atEnd } from "./cleanup.mjs";
import { startGateway } from "./gateway.mjs";
import { toLua } from "./nginx_conf.mjs";
import { freePort } from "./ports.mjs";

/** The answer of a healthy server to a probe. */
export const WELL = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/**
 * Handles a request, given the socket and the number of the request on its connection, starting at 1.
 * @typedef {(socket: import("node:net").Socket, number: number) => void} Answer
 */

export class ProbedServer {
  /** Times of the requests, in milliseconds. @type {number[]} */
  arrivals = [];
  /** The last request. */
  request = "";
  /** Number of accepted connections. */
  connections = 0;
  /** Number of open connections. */
  open = 0;
  /** @type {Set<import("node:net").Socket>} */
  #sockets = new Set();

  /** @param {Answer} answer */
  constructor(answer) {
    this.answer = answer;
  }

  /** @param {import("node:net").Socket} socket */
  accept(socket) {
    let requests = 0;
    this.connections += 1;
    this.open += 1;
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      this.open -= 1;
      this.#sockets.delete(socket);
    });
    socket.setEncoding("latin1").on("data", (text) => {
      this.arrivals.push(performance.now());
      this.request = String(text);
      requests += 1;
      this.answer(socket, requests);
    });
  }

  /** Returns the milliseconds between requests. */
  gaps() {
    return this.arrivals.slice(1).map((at, index) => at - this.arrivals[index]);
  }

  close() {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/**
 * Starts a server for probes. It ends with the test.
 * @param {import("node:test").TestContext} context
 * @param {string | Answer} [answer] by default the answer of a healthy server
 * @param {{ tls?: import("node:tls").TlsOptions, path?: string }} [options]
 */
export async function startProbed(context, answer = WELL, { tls, path } = {}) {
  const write = (/** @type {import("node:net").Socket} */ socket) => socket.write(String(answer));
  const probed = new ProbedServer(typeof answer === "string" ? write : answer);
  const accept = probed.accept.bind(probed);
  const server = tls === undefined ? createServer(accept) : createTlsServer(tls, accept);
  const port = await freePort();
  if (path === undefined) server.listen(port, "127.0.0.1");
  else server.listen({ path, writableAll: true, readableAll: true });
  await once(server, "listening");
  atEnd(context, () => {
    server.close();
    probed.close();
  });
  return Object.assign(probed, { address: path === undefined ? `127.0.0.1:${port}` : `unix:${path}`, port });
}

/** Lua for the beginning of init_by_lua that logs the result of each probe. */
const LOG_RESULTS = `
    local active = require("resty.sluice.health.active")
    local note_check = active.note_check
    active.note_check = function(subject, config, passed, reason, now)
      ngx.log(ngx.NOTICE, "probe <", subject.upstream_name, " ", subject.server, " ", tostring(passed), " ", reason, ">")
      note_check(subject, config, passed, reason, now)
    end`;

/**
 * Starts a gateway with an upstream `app` and its health check.
 * @param {import("node:test").TestContext} context
 * @param {object} check options that differ from the defaults
 * @param {string[]} servers
 * @param {import("./nginx_conf.mjs").Options} [options]
 */
export async function startProber(context, check, servers, options = {}) {
  const app = { servers: servers.map((server) => ({ server })), health_check: check };
  const setup = `require("resty.sluice").setup(${toLua({ upstreams: { app } })})`;
  const initLua = `${LOG_RESULTS} ${setup}`;
  const gateway = await startGateway(context, { initLua, http: "lua_socket_log_errors off;", ...options });
  // nginx logs these errors even with lua_socket_log_errors off.
  gateway.log.allow(/(connect|recv|SSL_do_handshake)\(\).* failed .*context: ngx\.timer/);
  return gateway;
}

/**
 * Returns the results of the probes of a server, oldest first.
 * @param {import("./gateway.mjs").Gateway} gateway
 * @param {string} address
 */
export function resultsOf(gateway, address) {
  const lines = gateway.log.text().matchAll(/probe <(\S+) (\S+) (true|false) ([^>]*)>/g);
  return [...lines]
    .filter((line) => line[2] === address)
    .map((line) => ({ passed: line[3] === "true", reason: line[4] }));
}

/**
 * Ends nginx as `nginx -s quit` does, and returns the time that it took, in milliseconds.
 * @param {import("./gateway.mjs").Gateway} gateway
 */
export async function timeToQuit(gateway) {
  const started = performance.now();
  await gateway.stop();
  return performance.now() - started;
}
