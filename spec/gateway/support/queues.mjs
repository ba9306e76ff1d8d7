/** Upstreams whose requests wait while every server is full. */
import { begin } from "./clients.mjs";
import { startGateway } from "./gateway.mjs";
import { waitFor } from "./wait.mjs";

/** The lines of nginx.conf that a queue needs: the hook, and the detection of closed client connections. */
export const WAITING = `
    lua_check_client_abort on;
    access_by_lua_block { require("resty.sluice").access("app") }`;

/**
 * Reads the status of a queue: the numbers of waiting requests, of places, and of requests that found it
 * full.
 */
export class QueueStatus {
  /** @param {import("./api.mjs").Api} api @param {string} [name] */
  constructor(api, name = "app") {
    this.api = api;
    this.name = name;
  }

  /** @returns {Promise<{ size: number, max_size: number, overflows: number }>} */
  async read() {
    return (await this.api.expect(200, "GET", `/api/9/http/upstreams/${this.name}`)).queue;
  }

  /** @param {number} size */
  holds(size) {
    return waitFor(`${size} requests wait`, async () => (await this.read()).size === size);
  }
}

/**
 * Starts a gateway whose upstream `app` has a queue, and whose servers accept one request at a time.
 * @param {import("node:test").TestContext} context
 * @param {import("./backend.mjs").Backend & { address: string } | (import("./backend.mjs").Backend & {
 *   address: string })[]} backends
 * @param {object} [queue]
 * @param {import("./nginx_conf.mjs").Options} [options]
 */
export async function startQueue(context, backends, queue = { size: 10 }, options = {}) {
  const servers = [backends].flat().map(({ address }) => ({ server: address, max_conns: 1 }));
  const gateway = await startGateway(context, {
    upstreams: { app: { servers, queue } },
    traffic: WAITING,
    listen: "reuseport",
    ...options,
  });
  return {
    gateway,
    api: gateway.api,
    queue: new QueueStatus(gateway.api),
    /** @param {string} [path] @param {{ length?: number }} [request] */
    begin: (path, request) => begin(context, gateway.port, path, request),
  };
}

/**
 * Begins a request that occupies a server until `release()` of the server.
 * @param {{ begin: (path: string) => ReturnType<typeof begin> }} queue
 * @param {import("./backend.mjs").Backend} backend
 */
export async function occupy({ begin }, backend) {
  const request = begin("/?hold=1");
  await waitFor("the server is full", () => backend.active === 1);
  return request;
}
