/** Reads the states of servers and the events of their changes. */
import assert from "node:assert/strict";
import { ask } from "./load.mjs";
import { peersOf } from "./upstreams.mjs";
import { waitFor } from "./wait.mjs";

/** Errors that nginx logs for failed probes even if `lua_socket_log_errors` is off. */
export const PROBE_ERRORS = /(connect|recv)\(\).* failed .*context: ngx\.timer/;

/** The error that nginx logs for a request without an available server. */
export const NONE_LEFT = /no live upstreams while connecting to upstream/;

/** @param {import("./api.mjs").Api} api @param {string} address @param {string} [name] */
export async function stateOf(api, address, name = "app") {
  return (await peersOf(api, name)).get(address)?.state;
}

/**
 * Waits until a server has a state.
 * @param {import("./api.mjs").Api} api
 * @param {string} address
 * @param {string} state
 * @param {string} [name]
 */
export function becomes(api, address, state, name = "app") {
  return waitFor(`${address} is ${state}`, async () => (await stateOf(api, address, name)) === state);
}

/**
 * Waits until a check has passed on a server. Before that a failed check makes no server unhealthy.
 * @param {import("./api.mjs").Api} api
 * @param {string} [name]
 */
export function hasPassed(api, name = "app") {
  return waitFor("a check has passed", async () =>
    [...(await peersOf(api, name)).values()].some(({ health_checks }) => health_checks.last_passed === true),
  );
}

/**
 * @typedef {object} StateEvent
 * @property {number} number
 * @property {number} revision
 * @property {string} time
 * @property {string} upstream
 * @property {number} id
 * @property {string} server
 * @property {string} old_state
 * @property {string} new_state
 * @property {string} reason
 */

/**
 * Returns all stored events, the oldest first.
 * @param {import("./api.mjs").Api} api
 * @returns {Promise<StateEvent[]>}
 */
export function allEvents(api) {
  return api.expect(200, "GET", "/api/sluice/1/events");
}

/**
 * Returns the events of one server.
 * @param {import("./api.mjs").Api} api
 * @param {string} address
 * @param {string} [name]
 */
export async function eventsOf(api, address, name = "app") {
  return (await allEvents(api)).filter(({ upstream, server }) => upstream === name && server === address);
}

/**
 * Waits until a server has at least so many events, and returns all of them. The event of a change is
 * recorded after the state has changed.
 * @param {import("./api.mjs").Api} api
 * @param {string} address
 * @param {number} count
 */
export function recordedEvents(api, address, count) {
  return waitFor(`${address} has ${count} events`, async () => {
    const events = await eventsOf(api, address);
    return events.length >= count ? events : undefined;
  });
}

/**
 * Asserts that a server is in a state, and that it receives no request in this state.
 * @param {import("./api.mjs").Api} api
 * @param {import("./backend.mjs").Backend & { address: string }} backend
 * @param {string} state
 * @param {() => Promise<unknown>} send sends requests
 */
export async function assertKeptOut(api, backend, state, send) {
  const requests = () => backend.requests.filter(({ url }) => url !== "/health").length;
  const before = requests();
  assert.equal(await stateOf(api, backend.address), state);
  await send();
  assert.equal(requests(), before, "the server receives no request");
  assert.equal(await stateOf(api, backend.address), state);
}

/**
 * Sends `count` requests, all of which must succeed, and returns the servers that answer.
 * @param {import("./gateway.mjs").Gateway} gateway
 * @param {number} count
 */
export async function whoAnswers(gateway, count) {
  const answers = await Promise.all(Array.from({ length: count }, () => ask(gateway.port)));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  return new Set(answers.map(({ text }) => text));
}
