import * as methods from "./methods.mjs";
import { haproxy, native, nativeAgain, nativeRoundRobin, onlyPicks, sluice } from "./variants.mjs";

/** @typedef {methods.Method} Method */
/** @typedef {import("./variants.mjs").Variant} Variant */

/**
 * Rows that are measured side by side. Keepalive: with hundreds of servers, enough for a connection to each, or every
 * request would open one and the pick would drown in that.
 *
 * @typedef {object} Group
 * @property {string} part of the bench
 * @property {number} servers
 * @property {number} keepalive how many idle connections to the servers each gateway keeps
 * @property {boolean} [reports] whether each answer of the servers reports their load
 * @property {number} [budget] what ours may cost, as a ratio to its base
 * @property {Variant[]} variants
 */

/** A key of one variable, as most have, and other with each request of a connection. */
const KEY = "$connection_requests";
/** Other with every request: 32 clients with one key after the other would find its server's connection in the caches. */
const RARE_KEY = "$connection$connection_requests";

/** What a request costs beside the least that it can, and beside others. @type {Group[]} */
const overhead = [
  {
    part: "overhead",
    servers: 4,
    keepalive: 128,
    budget: 1.12,
    variants: [
      nativeRoundRobin,
      nativeAgain,
      sluice(methods.roundRobin, nativeRoundRobin),
      sluice(methods.roundRobinWatched, nativeRoundRobin),
      onlyPicks("Lua, only picks", "", nativeRoundRobin),
      onlyPicks("Lua, only picks, empty log phase", "log_by_lua_block { local nothing }", nativeRoundRobin),
      haproxy,
    ],
  },
  {
    part: "overhead",
    servers: 500,
    keepalive: 4096,
    variants: [nativeRoundRobin, nativeAgain, sluice(methods.roundRobin, nativeRoundRobin)],
  },
];

/**
 * What it costs that servers may report their loads in their answers.
 * @param {boolean} reports whether they do
 * @param {number} budget
 * @returns {Group}
 */
function reporting(reports, budget) {
  const variants = [
    nativeRoundRobin,
    nativeAgain,
    sluice(methods.roundRobin, nativeRoundRobin),
    sluice(methods.roundRobinLoad, nativeRoundRobin),
  ];
  const named = (/** @type {string} */ label) => `${label}${reports ? ", a report in each answer" : ""}`;
  return {
    part: "reports",
    servers: 4,
    keepalive: 128,
    budget,
    reports,
    variants: variants.map((one) => ({ ...one, label: named(one.label), base: named(one.base) })),
  };
}

/** nginx's own and ours of the same name. @param {Method} method */
function pair(method) {
  const base = native(method);
  return [base, sluice(method, base)];
}

/** One that nginx does not have: beside its round robin, and without a verdict. @param {Method} method */
function beside(method) {
  const variant = sluice(method, nativeRoundRobin);
  return { ...variant, label: `${variant.label} (to nginx round_robin)`, ours: false };
}

/** With `ip_hash` all clients have one server: they have one address. @type {Group} */
const eachMethod = {
  part: "methods",
  servers: 4,
  keepalive: 128,
  budget: 1.12,
  variants: [
    ...pair(methods.roundRobin),
    nativeAgain,
    ...pair(methods.leastConn),
    ...pair(methods.hashConsistent(KEY)),
    ...pair(methods.ipHash),
    ...pair(methods.randomTwoLeastConn),
    beside(methods.leastTime),
    beside(methods.stickyCookie),
  ],
};

/**
 * Many servers, beside nginx's round robin. Few gateways at once: each keeps one connection or two to every server.
 *
 * @param {Method[]} some
 * @returns {Group}
 */
function amongMany(...some) {
  return {
    part: "many",
    servers: 2000,
    keepalive: 4096,
    budget: 0.8,
    variants: [nativeRoundRobin, nativeAgain, ...some.map((method) => sluice(method, nativeRoundRobin))],
  };
}

export const groups = [
  ...overhead,
  reporting(false, 1.14),
  reporting(true, 1.2),
  eachMethod,
  amongMany(methods.roundRobin, methods.leastConn, methods.leastTime, methods.leastTimeInflight),
  amongMany(methods.random, methods.randomTwoLeastConn, methods.randomTwoLeastTime, methods.stickyCookie),
  amongMany(
    methods.hash(RARE_KEY),
    methods.hashConsistent(RARE_KEY),
    methods.hashBounded(RARE_KEY),
    methods.ipHash,
  ),
];
