/** Reads the status of a gateway, as a page does that asks again and again. */
import { sluice } from "./upstreams.mjs";
import { waitFor } from "./wait.mjs";

const path = "/api/sluice/1/status";

/** @param {import("./api.mjs").Api} api @param {string} [query] */
export const overviewOf = (api, query = "") => api.expect(200, "GET", `${path}${query}`);

/** @param {import("./api.mjs").Api} api @param {string} [name] */
export async function summaryOf(api, name = "app") {
  const { upstreams } = await overviewOf(api, `?upstream=${name}`);
  return upstreams[0];
}

/** @param {import("./api.mjs").Api} api @param {string} [name] */
export const statusOf = (api, name = "app") => api.expect(200, "GET", `${sluice(name)}/status`);

/**
 * Returns the status of an upstream when all of its requests are counted. nginx counts the outcome of a
 * request after its client has the answer.
 * @param {import("./api.mjs").Api} api
 * @param {number} requests
 */
export function settledStatusOf(api, requests, name = "app") {
  return waitFor(`${requests} requests are counted`, async () => {
    const status = await statusOf(api, name);
    return status.requests === requests && status.active === 0 ? status : undefined;
  });
}

/** A client that asks for the changes since its last answer. Each question may reach another worker. */
export class OverviewClient {
  /** The summaries by name. @type {Map<string, any>} */
  upstreams = new Map();
  /** @type {any} */
  answer;
  /** The number of summaries in the last answer. */
  received = 0;

  /** @param {import("./api.mjs").Api} api */
  constructor(api) {
    this.api = api;
  }

  async ask() {
    const since = this.answer === undefined ? "" : `?since=${this.answer.now}`;
    this.#take(await overviewOf(this.api, since));
    if (this.upstreams.size === this.answer.upstream_count) return;
    this.upstreams.clear();
    this.#take(await overviewOf(this.api));
  }

  /** @param {any} answer */
  #take(answer) {
    this.answer = answer;
    this.received = answer.upstreams.length;
    for (const upstream of answer.upstreams) this.upstreams.set(upstream.name, upstream);
  }
}
