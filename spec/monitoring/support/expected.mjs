/** What the queries of the dashboard must return. */
import { Calculator } from "./calculator.mjs";

/** @typedef {import("./calculator.mjs").Expected} Expected */
/** @typedef {import("./calculator.mjs").Scene} Scene */

const UPSTREAM = "sluice_upstream";
const SERVER = "sluice_upstream_server";

/**
 * Returns the results of all queries of the dashboard, by row and title; undefined: the spec looks at the
 * result itself.
 * @param {Scene} scene
 * @param {string} upstream
 * @param {string} server
 * @returns {Record<string, (Expected | undefined)[]>}
 */
export function expectedPanels(scene, upstream, server) {
  const all = new Calculator(scene);
  const one = new Calculator(scene, { upstream });
  const its = new Calculator(scene, { upstream, server });
  const errors = all.rate(`${UPSTREAM}_responses_total`, ["upstream"], { class: "5xx" });
  const states = all.max(`${UPSTREAM}_servers`, ["upstream", "state"]);
  const notUp = new Map([...states.values].filter(([key]) => !key.endsWith(" up")));
  const quantiles = (/** @type {Calculator} */ of, /** @type {string} */ name) =>
    [0.5, 0.9, 0.99].map((part) => of.quantile(part, name));
  return {
    "Overview/Gateways": [all.count("sluice_build_info", 1)],
    "Overview/Upstreams without an available server": [undefined],
    "Overview/Upstreams in panic": [all.sum(`${UPSTREAM}_panic`)],
    "Overview/Gateways that cannot save": [all.count("sluice_store_saved", 0)],
    "Overview/Registries that fail": [all.count("sluice_discovery_up", 0)],
    "Overview/Free memory": [all.leastRatio("sluice_store_dict_free_bytes", "sluice_store_dict_bytes")],
    "Overview/Requests by upstream": [all.rate(`${UPSTREAM}_requests_total`, ["upstream"])],
    "Overview/Responses of 5xx by upstream": [
      all.ratio(errors, all.rate(`${UPSTREAM}_responses_total`, ["upstream"])),
    ],
    "Overview/99th percentile of response times": [
      all.quantile(0.99, `${UPSTREAM}_response_time_seconds`, ["upstream"]),
    ],
    "Overview/Requests under way": [all.sum(`${UPSTREAM}_active`, ["upstream"])],
    "Overview/Servers that are not up": [all.positive({ ...states, values: notUp })],
    "Overview/Changes and refused changes": [
      all.rate("sluice_store_writes_total", ["instance"]),
      all.positive(all.rate("sluice_store_refused_writes_total", ["instance", "code"])),
    ],
    "Overview/99th percentile of write times": [
      all.quantile(0.99, "sluice_store_write_seconds", ["instance"]),
    ],
    "Overview/Time since a registry answered": [undefined],
    "Overview/Lua memory by worker": [undefined],
    "Upstream $upstream/Servers by state": [one.max(`${UPSTREAM}_servers`, ["state"])],
    "Upstream $upstream/Responses by class": [one.rate(`${UPSTREAM}_responses_total`, ["class"])],
    "Upstream $upstream/Response times": quantiles(one, `${UPSTREAM}_response_time_seconds`),
    "Upstream $upstream/Requests by server": [one.rate(`${SERVER}_requests_total`, ["server"])],
    "Upstream $upstream/Requests under way by server": [one.sum(`${SERVER}_active`, ["server"])],
    "Upstream $upstream/99th percentile by server": [
      one.quantile(0.99, `${SERVER}_response_time_seconds`, ["server"]),
    ],
    "Upstream $upstream/Queue": [
      one.sum(`${UPSTREAM}_queue_length`),
      one.rate(`${UPSTREAM}_queue_waits_total`),
      one.rate(`${UPSTREAM}_queue_overflows_total`),
    ],
    "Upstream $upstream/Retries": [
      one.rate(`${UPSTREAM}_retries_total`),
      one.rate(`${UPSTREAM}_retries_denied_total`),
    ],
    "Upstream $upstream/Failures": [
      one.rate(`${UPSTREAM}_fails_total`),
      one.rate(`${UPSTREAM}_unanswered_total`),
    ],
    "Server $server/State": [its.positive(its.max(`${SERVER}_state`, ["state"]))],
    "Server $server/Responses by class": [its.rate(`${SERVER}_responses_total`, ["class"])],
    "Server $server/Response and header times": [
      its.quantile(0.5, `${SERVER}_response_time_seconds`),
      its.quantile(0.99, `${SERVER}_response_time_seconds`),
      its.quantile(0.99, `${SERVER}_header_time_seconds`),
    ],
    "Server $server/Requests under way and limit": [
      its.sum(`${SERVER}_active`),
      its.positive(its.sum(`${SERVER}_max_conns`)),
    ],
    "Server $server/Weight": [its.mean(`${SERVER}_weight`), its.mean(`${SERVER}_weight_factor`, ["factor"])],
    "Server $server/Bytes": [
      its.rate(`${SERVER}_received_bytes_total`),
      its.rate(`${SERVER}_sent_bytes_total`),
    ],
    "Server $server/Failures and checks": [
      its.rate(`${SERVER}_fails_total`),
      its.rate(`${SERVER}_checks_total`),
      its.rate(`${SERVER}_check_fails_total`),
    ],
    "Server $server/Taken out": [
      its.sum(`${SERVER}_unhealthy_total`),
      its.sum(`${SERVER}_unavail_total`),
      its.sum(`${SERVER}_ejections_total`),
    ],
    "Server $server/Part of the time out of service": [its.meanRate(`${SERVER}_downtime_seconds_total`)],
  };
}
