/**
 * The balancing methods of Sluice, and nginx's methods of the same name.
 *
 * @typedef {object} Method
 * @property {string} name in the tables
 * @property {object} config the upstream's options
 * @property {object} [server] parameters of each server
 * @property {string} [zone] of the gateway and of all servers but the last, which is in another zone
 * @property {string} [directive] nginx's directive for the method; absent: nginx 1.22 does not have the
 *   method
 */

/** @type {Method} */
export const roundRobin = { name: "round_robin", config: { method: "round_robin" }, directive: "" };

/** All checks and limits are on and find nothing wrong. @type {Method} */
export const roundRobinWatched = {
  name: "round_robin, all limits and checks on",
  config: {
    method: "round_robin",
    health_check: { interval: "1s" },
    outlier_detection: { success_rate_minimum_hosts: 3 },
    panic_threshold: 50,
    retries: { tries: 3, timeout: "10s", budget: {} },
    queue: { size: 100 },
  },
  server: { max_conns: 1000, max_fails: 3, slow_start: "10s" },
};

/**
 * Returns a method that prefers local servers, which are all but one.
 * @param {Method} method
 * @returns {Method}
 */
export function withZones({ name, config }) {
  return { name: `${name}, zones`, config: { ...config, zones: {} }, zone: "a" };
}

/** Weights follow loads, so each response is searched for a report. @type {Method} */
export const roundRobinLoad = { name: "round_robin, load", config: { method: "round_robin", load: {} } };

/** @type {Method} */
export const leastConn = { name: "least_conn", config: { method: "least_conn" }, directive: "least_conn;" };

/** @type {Method} */
export const leastTime = {
  name: "least_time header",
  config: { method: "least_time", least_time: { measure: "header" } },
};

/** @type {Method} */
export const leastTimeInflight = {
  name: "least_time header inflight",
  config: { method: "least_time", least_time: { measure: "header", inflight: true } },
};

/** @type {Method} */
export const leastLoad = {
  name: "least_load",
  config: { method: "least_load", least_load: { choices: 6, hot_quantile: 0.6 } },
};

/** @type {Method} */
export const random = { name: "random", config: { method: "random" }, directive: "random;" };

/** @type {Method} */
export const randomTwoLeastConn = {
  name: "random two least_conn",
  config: { method: "random", random: { two: "least_conn" } },
  directive: "random two least_conn;",
};

/** @type {Method} */
export const randomTwoLeastTime = {
  name: "random two least_time",
  config: { method: "random", random: { two: "least_time" } },
};

/** @type {Method} */
export const ipHash = { name: "ip_hash", config: { method: "ip_hash" }, directive: "ip_hash;" };

/**
 * @param {string} key
 * @returns {Method}
 */
export function hash(key) {
  return { name: "hash", config: { method: "hash", hash: { key } }, directive: `hash ${key};` };
}

/**
 * @param {string} key
 * @returns {Method}
 */
export function hashConsistent(key) {
  return {
    name: "hash consistent",
    config: { method: "hash", hash: { key, consistent: true } },
    directive: `hash ${key} consistent;`,
  };
}

/**
 * @param {string} key
 * @returns {Method}
 */
export function hashBounded(key) {
  return {
    name: "hash consistent, balance_factor 150",
    config: { method: "hash", hash: { key, consistent: true, balance_factor: 150 } },
  };
}

/**
 * `wrk` keeps no cookies, so each request looks like a new client and gets a cookie.
 *
 * @type {Method}
 */
export const stickyCookie = {
  name: "round_robin, sticky cookie",
  config: { method: "round_robin", sticky: { cookie: { name: "srv" } } },
};
