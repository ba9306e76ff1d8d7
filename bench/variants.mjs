import * as configurations from "./configurations.mjs";
import * as methods from "./methods.mjs";

/** @typedef {configurations.Place} Place */
/** @typedef {methods.Method} Method */

/**
 * One row of the table.
 *
 * @typedef {object} Variant
 * @property {string} label
 * @property {"nginx" | "haproxy"} program
 * @property {(place: Place) => string} configuration
 * @property {string} base the label of the row of the same group that this row is compared with
 * @property {boolean} [ours] true: the budget of the group applies
 */

/**
 * Returns a row of nginx's own balancing.
 * @param {Method} method a method that nginx has
 * @returns {Variant}
 */
export function native({ name, directive = "" }) {
  const label = `nginx ${name}, zone`;
  const configuration = (/** @type {Place} */ place) => configurations.native(place, directive);
  return { label, program: "nginx", configuration, base: label };
}

/**
 * Returns a row of Sluice, with all counters.
 * @param {Method} method
 * @param {Variant} base
 * @returns {Variant}
 */
export function sluice({ name, config, server: parameters, zone }, base) {
  const configuration = (/** @type {Place} */ place) => {
    const last = place.addresses.length - 1;
    const servers = place.addresses.map((server, index) => ({
      server,
      ...(zone === undefined ? {} : { zone: index === last ? `not ${zone}` : zone }),
      ...parameters,
    }));
    return configurations.sluice({ ...place, sharedDict: "32m", zone }, { app: { ...config, servers } });
  };
  return { label: `sluice ${name}`, program: "nginx", configuration, base: base.label, ours: true };
}

/**
 * Returns a row of a split, whose two members share the servers.
 * @param {string} name
 * @param {{ by?: string }} split
 * @param {Variant} base
 * @returns {Variant}
 */
export function split(name, { by }, base) {
  const configuration = (/** @type {Place} */ place) => {
    const servers = place.addresses.map((server) => ({ server }));
    const half = servers.length / 2;
    const members = [
      { upstream: "app-v1", weight: 95 },
      { upstream: "app-v2", weight: 5 },
    ];
    return configurations.sluice(
      { ...place, sharedDict: "32m" },
      {
        "app-v1": { servers: servers.slice(0, half) },
        "app-v2": { servers: servers.slice(half) },
        app: { split: { by, members } },
      },
    );
  };
  return { label: `sluice ${name}`, program: "nginx", configuration, base: base.label, ours: true };
}

/**
 * @param {string} label
 * @param {string} log
 * @param {Variant} base
 * @returns {Variant}
 */
export function onlyPicks(label, log, base) {
  const configuration = (/** @type {Place} */ place) => configurations.onlyPicks(place, log);
  return { label, program: "nginx", configuration, base: base.label };
}

/**
 * Returns a row with the directives that docs/reference/setup.md names for fewer instructions.
 * @param {Variant} variant
 * @param {string} label
 * @param {string} base
 * @returns {Variant}
 */
function tuned(variant, label, base) {
  return {
    ...variant,
    label,
    base,
    configuration: (place) => variant.configuration({ ...place, isTuned: true }),
  };
}

export const nativeRoundRobin = native(methods.roundRobin);
/** The same as `nativeRoundRobin`. The difference between the two rows is the noise of the table. */
export const nativeAgain = { ...nativeRoundRobin, label: "nginx again (noise)" };

const labelOfPool = `${nativeRoundRobin.label}, request_pool_size 8k`;
/** Only the pool size concerns nginx's own upstream. */
export const nativeTuned = tuned(nativeRoundRobin, labelOfPool, labelOfPool);
export const sluiceTuned = {
  ...tuned(sluice(methods.roundRobin, nativeRoundRobin), "sluice round_robin, tuned", labelOfPool),
  ours: false,
};

/** @type {Variant} */
export const haproxy = {
  label: "HAProxy roundrobin",
  program: "haproxy",
  configuration: configurations.haproxy,
  base: nativeRoundRobin.label,
};
