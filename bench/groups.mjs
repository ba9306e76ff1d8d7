import * as methods from "./methods.mjs";
import { realistic } from "./traffic.mjs";
import {
  haproxy,
  native,
  nativeAgain,
  nativeRoundRobin,
  nativeTuned,
  onlyPicks,
  sluice,
  sluiceTuned,
  split,
} from "./variants.mjs";

/** @typedef {methods.Method} Method */
/** @typedef {import("./variants.mjs").Variant} Variant */

/**
 * Rows that are measured side by side. With hundreds of servers, `keepalive` must allow a connection to each
 * of them: otherwise every request would open a connection, and that would hide the cost of the pick.
 *
 * @typedef {object} Group
 * @property {string} part of the bench
 * @property {number} servers
 * @property {number} keepalive number of idle connections to the servers that each gateway keeps
 * @property {boolean} [reports] whether each answer of the servers has a load report
 * @property {import("./traffic.mjs").Traffic} [traffic] absent: a few bytes over 32 connections
 * @property {number} [budget] upper bound for Sluice's rows, as a ratio to their base
 * @property {Variant[]} variants
 */

/** A key of one variable, as in most configurations. It differs for each request of a connection. */
const KEY = "$connection_requests";
/**
 * Differs for every request. If 32 clients used the same key one after another, its connection would be
 * cached.
 */
const RARE_KEY = "$connection$connection_requests";

/** Requests compared with nginx, with the smallest Lua balancer and with HAProxy. @type {Group[]} */
const overhead = [
  {
    part: "overhead",
    servers: 4,
    keepalive: 128,
    budget: 1.08,
    variants: [
      nativeRoundRobin,
      nativeAgain,
      sluice(methods.roundRobin, nativeRoundRobin),
      sluice(methods.roundRobinWatched, nativeRoundRobin),
      nativeTuned,
      sluiceTuned,
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
  {
    part: "overhead",
    servers: 2000,
    keepalive: 4096,
    budget: 0.6,
    variants: [nativeRoundRobin, nativeAgain, sluice(methods.roundRobin, nativeRoundRobin)],
  },
];

/**
 * The cost of load reports in answers.
 * @param {boolean} reports whether answers have reports
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

/**
 * The cost next to nginx with larger answers, more connections, TLS and HTTP/2. Each request of a client may
 * have a connection to a server.
 * @type {Group[]}
 */
const sizes = realistic.map((traffic) => {
  const named = (/** @type {string} */ label) => `${label}: ${traffic.label}`;
  const variants = [nativeRoundRobin, nativeAgain, sluice(methods.roundRobin, nativeRoundRobin)];
  return {
    part: "sizes",
    servers: 4,
    keepalive: 1024,
    traffic,
    variants: variants.map((one) => ({ ...one, label: named(one.label), base: named(one.base) })),
  };
});

/**
 * The cost of zones. The last server is in another zone and gets the probes only.
 * @type {Group}
 */
const zones = {
  part: "zones",
  servers: 4,
  keepalive: 128,
  variants: [
    nativeRoundRobin,
    nativeAgain,
    ...[methods.roundRobin, methods.hashConsistent(KEY)].flatMap((method) => [
      sluice(method, nativeRoundRobin),
      sluice(methods.withZones(method), nativeRoundRobin),
    ]),
  ],
};

/** Returns nginx's method and Sluice's method of the same name. @param {Method} method */
function pair(method) {
  const base = native(method);
  return [base, sluice(method, base)];
}

/** Compares a method that nginx lacks with nginx's round robin, without a budget. @param {Method} method */
function beside(method) {
  const variant = sluice(method, nativeRoundRobin);
  return { ...variant, label: `${variant.label} (to nginx round_robin)`, ours: false };
}

/** With `ip_hash`, all clients use one server, because they have one address. @type {Group} */
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
    beside(methods.leastLoad),
    beside(methods.stickyCookie),
  ],
};

/** The cost of a split, next to round robin among the same servers. @type {Group} */
const splits = {
  part: "split",
  servers: 4,
  keepalive: 128,
  variants: [
    nativeRoundRobin,
    nativeAgain,
    sluice(methods.roundRobin, nativeRoundRobin),
    split("split in turn", {}, nativeRoundRobin),
    split("split by a key", { by: KEY }, nativeRoundRobin),
  ],
};

/**
 * Many servers, compared with nginx's round robin. The groups are small, because each gateway keeps one or
 * two connections to every server.
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
  ...sizes,
  reporting(false, 1.14),
  reporting(true, 1.2),
  zones,
  eachMethod,
  splits,
  amongMany(methods.roundRobin, methods.leastConn, methods.leastTime, methods.leastTimeInflight),
  amongMany(methods.random, methods.randomTwoLeastConn, methods.randomTwoLeastTime, methods.stickyCookie),
  amongMany(
    methods.hash(RARE_KEY),
    methods.hashConsistent(RARE_KEY),
    methods.hashBounded(RARE_KEY),
    methods.ipHash,
  ),
];
