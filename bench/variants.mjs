import * as configurations from "./configurations.mjs";

/** @typedef {configurations.Place} Place */

/**
 * One row of the table.
 *
 * @typedef {object} Variant
 * @property {string} label
 * @property {"nginx" | "haproxy"} program
 * @property {(place: Place) => string} configuration
 * @property {string} base the label of the row that it is compared with, in the same group
 * @property {boolean} [ours] held to the budget of its group
 */

/**
 * Rows that are measured side by side.
 *
 * @typedef {object} Group
 * @property {number} servers
 * @property {number} keepalive how many idle connections to the servers each gateway keeps
 * @property {number} [budget] what ours may cost, as a ratio to its base
 * @property {Variant[]} variants
 */

/**
 * nginx's own balancing, what ours is compared with.
 * @param {string} method as README names it
 * @param {string} directive what switches it on, or nothing
 * @returns {Variant}
 */
function native(method, directive) {
  const label = `nginx ${method}, zone`;
  const configuration = (/** @type {Place} */ place) => configurations.native(place, directive);
  return { label, program: "nginx", configuration, base: label };
}

/**
 * @param {string} method
 * @param {Variant} base
 * @returns {Variant}
 */
function sluice(method, base) {
  const configuration = (/** @type {Place} */ place) =>
    configurations.sluice({ ...place, sharedDict: "32m" }, method);
  return {
    label: `sluice ${method}, all counters`,
    program: "nginx",
    configuration,
    base: base.label,
    ours: true,
  };
}

/**
 * @param {string} label
 * @param {string} log
 * @param {Variant} base
 * @returns {Variant}
 */
function onlyPicks(label, log, base) {
  const configuration = (/** @type {Place} */ place) => configurations.onlyPicks(place, log);
  return { label, program: "nginx", configuration, base: base.label };
}

const roundRobin = native("round_robin", "");
/** What two rows that do the same differ by is what the table cannot tell. */
const again = { ...roundRobin, label: "nginx again (noise)" };

/** @type {Variant} */
const haproxy = {
  label: "HAProxy roundrobin",
  program: "haproxy",
  configuration: configurations.haproxy,
  base: roundRobin.label,
};

/**
 * Keepalive: with hundreds of servers, enough for a connection to each, or every request would open one and the pick
 * would drown in that.
 *
 * @type {Group[]}
 */
export const groups = [
  {
    servers: 4,
    keepalive: 128,
    budget: 1.12,
    variants: [
      roundRobin,
      again,
      sluice("round_robin", roundRobin),
      onlyPicks("Lua, only picks", "", roundRobin),
      onlyPicks("Lua, only picks, empty log phase", "log_by_lua_block { local nothing }", roundRobin),
      haproxy,
    ],
  },
  { servers: 500, keepalive: 4096, variants: [roundRobin, again, sluice("round_robin", roundRobin)] },
  {
    servers: 2000,
    keepalive: 4096,
    budget: 0.8,
    variants: [roundRobin, again, sluice("round_robin", roundRobin)],
  },
];
