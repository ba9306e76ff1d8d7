/** The parts of Consul's HTTP API that discovery uses: health of services and KV, with blocking queries. */
import { serve } from "./fake.mjs";

/**
 * An instance of a service.
 * @typedef {object} Instance
 * @property {string} id
 * @property {string} address of the instance; "": the address of its node
 * @property {number} port
 * @property {string} [service]
 * @property {string} [node]
 * @property {string} [nodeAddress]
 * @property {string[]} [tags]
 * @property {string} [datacenter]
 * @property {number} [weight]
 * @property {boolean} [passing]
 * @property {Record<string, string>} [meta]
 * @property {Record<string, string>} [nodeMeta]
 * @property {("node" | "service")[]} [maintenance]
 */

/**
 * The state. `answers`: bodies that take the place of the right answers, by their paths; `statuses`: theirs.
 * @typedef {{ index: number, token?: string, instances: Instance[], keys: Record<string, string>, answers?:
 *   Record<string, string>, statuses?: Record<string, number> }} State
 */

/** @type {State} */
const state = { index: 10, instances: [], keys: {} };
/** Blocking queries that wait for a change. @type {Set<(restored: boolean) => void>} */
const waiting = new Set();

/** @param {Partial<State>} message with an `index`: the state is restored from a snapshot of that index */
function control(message) {
  Object.assign(state, message);
  if (message.index === undefined) state.index += 1;
  for (const wake of [...waiting]) wake(message.index !== undefined);
}

/** @param {Instance} instance */
function shown({ id, address, port, node = "node-1", nodeAddress = "127.0.0.1", ...more }) {
  const { service = "app", tags = [], weight = 1, passing = true, meta = {}, nodeMeta = {} } = more;
  const maintenance = (more.maintenance ?? []).map((kind) => ({
    Node: node,
    CheckID: kind === "node" ? "_node_maintenance" : `_service_maintenance:${id}`,
    Status: "critical",
  }));
  return {
    Node: {
      ID: "c0a8",
      Node: node,
      Address: nodeAddress,
      Datacenter: more.datacenter ?? "dc1",
      Meta: nodeMeta,
    },
    Service: {
      ID: id,
      Service: service,
      Tags: tags,
      Meta: meta,
      Address: address,
      Port: port,
      Weights: { Passing: weight, Warning: 1 },
    },
    Checks: [{ Node: node, CheckID: "alive", Status: passing ? "passing" : "critical" }, ...maintenance],
  };
}

/**
 * Returns whether an instance fits a filter. Of Consul's language there is only a comparison of metadata.
 * @param {Instance} instance
 * @param {string | null} filter
 */
function fits({ meta, nodeMeta }, filter) {
  const [, place, key, value] = /^(Node|Service)\.Meta\.(\w+) == "([^"]*)"$/.exec(filter ?? "") ?? [];
  return filter === null || (place === "Node" ? nodeMeta : meta)?.[key] === value;
}

/** @param {string} service @param {URLSearchParams} query */
function health(service, query) {
  const datacenter = query.get("dc") ?? "dc1";
  const tags = query.getAll("tag");
  const filter = query.get("filter");
  if (filter?.includes("==") === false)
    return { status: 400, body: "Bad request: Failed to create boolean expression evaluator" };
  const found = state.instances.filter(
    (instance) =>
      (instance.service ?? "app") === service &&
      (instance.datacenter ?? "dc1") === datacenter &&
      tags.every((tag) => instance.tags?.includes(tag)) &&
      fits(instance, filter) &&
      (!query.has("passing") || (instance.passing !== false && instance.maintenance === undefined)),
  );
  return { status: 200, body: JSON.stringify(found.map(shown)) };
}

/** Returns the services with the tags of their instances, passing or not. @param {URLSearchParams} query */
function catalog(query) {
  const datacenter = query.get("dc") ?? "dc1";
  const services = { consul: [] };
  for (const { service = "app", tags = [], datacenter: own = "dc1" } of state.instances)
    if (own === datacenter) services[service] = [...new Set([...(services[service] ?? []), ...tags])];
  return { status: 200, body: JSON.stringify(services) };
}

/** @param {string} prefix */
function keysBelow(prefix) {
  const found = Object.entries(state.keys).filter(([key]) => key.startsWith(prefix));
  if (found.length === 0) return { status: 404, body: "" };
  const pairs = found.toSorted().map(([key, value]) => ({
    LockIndex: 0,
    Key: key,
    Flags: 0,
    Value: value === "" ? null : Buffer.from(value).toString("base64"),
    CreateIndex: state.index,
    ModifyIndex: state.index,
  }));
  return { status: 200, body: JSON.stringify(pairs) };
}

/** @param {URL} url */
function find({ pathname, searchParams: query }) {
  const path = decodeURIComponent(pathname);
  if ((query.get("dc") ?? "dc1").startsWith("no-")) return { status: 500, body: "No path to datacenter" };
  const body = state.answers?.[path];
  if (body !== undefined) return { status: state.statuses?.[path] ?? 200, body };
  if (path.startsWith("/v1/health/service/")) return health(path.slice("/v1/health/service/".length), query);
  if (path === "/v1/catalog/services") return catalog(query);
  if (path.startsWith("/v1/kv/") && query.has("recurse")) return keysBelow(path.slice("/v1/kv/".length));
  return { status: 400, body: "Bad request" };
}

/**
 * Waits for a change after `index`, for a restore of Consul, or for the end of the time.
 * @param {number} index
 * @param {number} seconds
 * @param {import("node:http").ServerResponse} response
 * @param {() => void} done
 */
function wait(index, seconds, response, done) {
  const end = () => {
    clearTimeout(timer);
    waiting.delete(wake);
    done();
  };
  const wake = (/** @type {boolean} */ restored) => (restored || state.index > index) && end();
  const timer = setTimeout(end, seconds * 1000);
  waiting.add(wake);
  response.on("close", () => {
    clearTimeout(timer);
    waiting.delete(wake);
  });
}

serve(
  Number(process.argv[2]),
  (request, response, url) => {
    if (state.token !== undefined && request.headers["x-consul-token"] !== state.token) {
      response.writeHead(403).end("rpc error making call: ACL not found");
      return;
    }
    const reply = () => {
      const { status, body } = find(url);
      response.writeHead(status, {
        "Content-Type": "application/json",
        "X-Consul-Index": String(state.index),
        "X-Consul-KnownLeader": "true",
      });
      response.end(body);
    };
    const index = Number(url.searchParams.get("index") ?? 0);
    const seconds = Number((url.searchParams.get("wait") ?? "300s").replace(/s$/, ""));
    if (index === 0 || state.index > index) reply();
    else wait(index, seconds, response, reply);
  },
  control,
);
