/** Random documents for changes of many upstreams: valid ones, and ones that are wrong in many ways. */
import { someAddress } from "./upstreams.mjs";

/** @typedef {(below: number) => number} Random a whole number from 0 up to, but not including, `below` */

/**
 * A document, and how it is sent.
 * @typedef {{ body: string | Buffer, force: boolean, ifMatch: string | undefined }} Sent
 */

const NAMES = ["a", "b", "c", "d", "e", "nodes", "app-1", "x.y"];
const OWNERS = ["team-a", "team-b"];
const PLACES = ["127.0.0.1:9", "127.0.0.2:9"];

/** @template T @param {Random} random @param {readonly T[]} items @returns {T} */
const oneOf = (random, items) => items[random(items.length)];

/** Returns each member of an object with a probability of 1 to `rarity`. @param {Random} random */
function someOf(random, rarity, members) {
  return Object.fromEntries(Object.entries(members).filter(() => random(rarity) === 0));
}

/** Addresses of few servers, some with several spellings. @param {Random} random */
function address(random) {
  const number = random(8);
  if (number === 0) return oneOf(random, ["[::1]:9", "[0:0::1]:9"]);
  if (number === 1) return oneOf(random, ["127.9.9.9", "127.9.9.9:80", "127.9.9.9:080"]);
  return number === 2 ? "unix:/tmp/sluice_random.sock" : someAddress(number);
}

/** @param {Random} random */
function server(random) {
  const parameters = {
    weight: 1 + random(3),
    max_conns: random(3),
    max_fails: random(3),
    fail_timeout: oneOf(random, ["10s", "1s", 5]),
    slow_start: oneOf(random, ["0s", "0s", "0s", "3s"]),
    route: oneOf(random, ["", "r1"]),
    zone: oneOf(random, ["", "eu-1a", "eu-1b"]),
    backup: random(2) === 0,
    down: random(2) === 0,
    drain: random(2) === 0,
    standby: random(4) === 0,
  };
  return { server: address(random), ...someOf(random, 6, parameters) };
}

/** Servers at different addresses, mostly. @param {Random} random */
function servers(random) {
  const known = new Set();
  const list = Array.from({ length: random(6) }, () => server(random));
  return random(15) === 0
    ? list
    : list.filter((one) => {
        const host = one.server.replace("0:0::1", "::1").replace(/^(127\.9\.9\.9).*/, "$1");
        return known.has(host) ? false : known.add(host);
      });
}

/** @param {Random} random */
const secret = (random) => oneOf(random, ["***", "***", "secret-1", "secret-2"]);

/** @param {Random} random @returns {Record<string, any>} */
function settings(random) {
  const method = oneOf(random, [
    { method: "round_robin" },
    { method: "least_conn" },
    { method: "ip_hash" },
    { method: "random", random: { two: "least_conn" } },
    { method: "hash", hash: { key: "$uri", consistent: random(2) === 0 } },
    { method: "least_time", least_time: { measure: "header" } },
    { method: "least_load", least_load: { choices: 3, report: { in_flight: "named_metrics.rif" } } },
  ]);
  return {
    ...(random(2) === 0 ? method : {}),
    ...someOf(random, 8, {
      panic_threshold: random(101),
      retries: { tries: 1 + random(3) },
      queue: { size: 1 + random(3), timeout: "1s" },
      zones: oneOf(random, [{}, { min_servers: 2 }, { prefer: false }]),
      outlier_detection: oneOf(random, [{}, { consecutive_5xx: 3 }, { mode: "degrade" }, { mode: "detect" }]),
      owner: oneOf(random, OWNERS),
      sticky: oneOf(random, [{ cookie: { name: "srv" } }, { route: { variables: ["$cookie_r"] } }]),
    }),
    ...someOf(random, 12, {
      load: { target: 0.5 },
      autoscale: {
        max: 2 + random(2),
        dry_run: true,
        webhook: { url: `http://${oneOf(random, PLACES)}/`, secret: secret(random) },
      },
      discovery: {
        consul: { address: `http://${oneOf(random, PLACES)}`, service: "app", token: secret(random) },
      },
    }),
  };
}

/** @param {Random} random */
function conditions(random) {
  return random(12) === 0 ? { if_match: oneOf(random, [1 + random(60), '"1"', "*", '"7", "8"']) } : {};
}

/** A split, whose members may be missing, servers' own upstreams or splits. @param {Random} random */
function split(random) {
  const names = NAMES.filter(() => random(3) === 0);
  const members = names.map((name) => ({
    upstream: name,
    weight: random(4),
    ...someOf(random, 3, { match: { $http_x_canary: oneOf(random, ["always", ""]) } }),
  }));
  return { split: { ...someOf(random, 2, { by: "$cookie_user" }), members } };
}

/** Returns what a document wants. @param {Random} random @param {boolean} isThere @returns {unknown} */
function upstream(random, isThere) {
  const kind = isThere || random(12) === 0 ? random(10) : 9;
  if (kind === 0) return null;
  if (random(8) === 0) {
    const its = { ...split(random), ...someOf(random, 3, { owner: oneOf(random, OWNERS) }) };
    return random(2) === 0 ? its : { patch: { ...its, ...someOf(random, 2, { servers: [] }) } };
  }
  if (kind > 3) return { ...settings(random), servers: servers(random), ...conditions(random) };
  const removed = someOf(random, 6, {
    queue: null,
    panic_threshold: null,
    owner: null,
    outlier_detection: null,
    split: null,
  });
  const list = random(3) === 0 ? { servers: servers(random) } : {};
  return { patch: { ...settings(random), ...removed, ...list }, ...conditions(random) };
}

/** Values of wrong types, and of the right type that no parameter allows. */
const WRONG = [null, true, -1, 1.5, 1e300, "", "x", "\u0001", "***", [], {}, [1], { a: 1 }, "9".repeat(600)];
/** Returns a copy, because later faults may change it. @param {Random} random */
const wrongValue = (random) => structuredClone(oneOf(random, WRONG));
const FIELDS = [
  ...["method", "hash", "queue", "retries", "sticky", "panic_threshold", "servers", "owner", "load"],
  ...[
    "outlier_detection",
    "split",
    "health_check",
    "autoscale",
    "discovery",
    "color",
    "patch",
    "if_match",
    "session_secret",
  ],
];
const SERVER_FIELDS = [
  ...["server", "weight", "max_conns", "max_fails", "fail_timeout", "slow_start", "route", "backup", "down"],
  ...["drain", "standby", "service", "color", "id", "source", "node", "in_service", "leave_by", "row"],
];
/** Members of blocks. */
const INNER_FIELDS = [
  "by",
  "members",
  "size",
  "timeout",
  "tries",
  "budget",
  "key",
  "url",
  "secret",
  "token",
  "measure",
  "color",
];

/** @param {unknown} value */
const isObject = (value) => typeof value === "object" && value !== null;

/** Spoils an upstream. @param {Random} random @param {any} holder the upstream or its patch */
function spoil(random, holder) {
  const value = wrongValue(random);
  const blocks = Object.values(holder).filter(isObject);
  const list = Array.isArray(holder.servers) ? holder.servers.filter(isObject) : [];
  const place = random(6);
  if (place < 3 && list.length > 0) oneOf(random, list)[oneOf(random, SERVER_FIELDS)] = value;
  else if (place === 3 && blocks.length > 0) oneOf(random, blocks)[oneOf(random, INNER_FIELDS)] = value;
  else if (place === 4 && Array.isArray(holder.servers)) holder.servers.splice(0, 0, value);
  else holder[oneOf(random, FIELDS)] = value;
}

/** @param {Random} random @param {Set<string>} existing @returns {Record<string, any>} */
function document(random, existing) {
  const named = NAMES.filter(() => random(3) === 0);
  return {
    upstreams: Object.fromEntries(named.map((name) => [name, upstream(random, existing.has(name))])),
    ...someOf(random, 6, {
      prune: random(2) === 0,
      owner: oneOf(random, OWNERS),
      comment: "because",
      max_removal_percent: oneOf(random, [0, 30, 60, 100]),
    }),
  };
}

/** Makes something wrong in a document. @param {Random} random @param {any} body */
function spoilDocument(random, body) {
  const upstreams = Object.values(body.upstreams).filter(isObject);
  const place = random(8);
  if (place === 0)
    body[oneOf(random, ["prune", "owner", "comment", "max_removal_percent", "color"])] = wrongValue(random);
  else if (place === 1)
    body.upstreams[oneOf(random, [...NAMES, "a b", "", "ä", "n".repeat(129)])] = wrongValue(random);
  else if (place === 2 && random(4) === 0) body.upstreams = wrongValue(random);
  else if (upstreams.length > 0) {
    const one = oneOf(random, upstreams);
    spoil(random, random(2) === 0 && isObject(one.patch) ? one.patch : one);
  }
}

/** Damages a text. @param {Random} random @param {string} text */
function damaged(random, text) {
  const bytes = Buffer.from(text);
  const at = random(bytes.length);
  const end = at + random(20);
  const kind = random(4);
  if (kind === 0) return bytes.subarray(0, at);
  if (kind === 1) return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
  if (kind === 2) return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
  bytes[at] ^= 1 << random(8);
  return bytes;
}

/**
 * Returns a random document. About half of them are valid in themselves.
 * @param {Random} random
 * @param {number} revision of the store
 * @param {Set<string>} existing the names of the upstreams
 * @returns {Sent}
 */
export function randomChange(random, revision, existing) {
  const body = document(random, existing);
  const faults = random(2) === 0 ? 0 : 1 + random(3);
  for (let fault = 0; fault < faults && isObject(body.upstreams); fault += 1) spoilDocument(random, body);
  const text = JSON.stringify(body);
  return {
    body: random(25) === 0 ? damaged(random, text) : text,
    force: random(3) === 0,
    ifMatch: random(15) === 0 ? `"${revision - random(2)}"` : undefined,
  };
}
