/** The parts of Kubernetes' API that discovery uses: lists of EndpointSlices in pages, and watches. */
import { serve } from "./fake.mjs";

/** @typedef {{ metadata: { name: string } } & Record<string, unknown>} Slice */
/** @typedef {{ version: number, type: string, object: object, labels: Record<string, string> }} Event */

/** The path of the service. */
const servicePath = "/api/v1/namespaces/default/services/app";
/** The path of a namespace's slices. */
const path = /^\/apis\/discovery\.k8s\.io\/v1\/namespaces\/([^/]+)\/endpointslices$/;

let version = 100;
/** The oldest version from which a watch can start. */
let oldest = 0;
let token = "";
/** True: a watch from an expired version is refused by its status; false: by an event. */
let refusesByStatus = false;
/** The service; undefined: it cannot be read. @type {object | undefined} */
let service;
/**
 * Faults of lists and watches: an error object of the API, or the end of the answer.
 * @type {{ list?: "expired", watch?: "error" | "length" | "end" }}
 */
let fault = {};
/** The slices by name. @type {Map<string, any>} */
const slices = new Map();
/** @type {Event[]} */
const events = [];
/**
 * The remaining items of unfinished lists, by `continue`.
 * @type {Map<string, { version: number, rest: any[] }>}
 */
const pages = new Map();
/** @type {Set<{ send: (event: Event) => void, end: () => void }>} */
const watches = new Set();

/** @param {string} type @param {any} object */
function happened(type, object) {
  version += 1;
  const { labels } = object.metadata;
  const shown = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
  events.push({ version, type, object: shown, labels });
  return shown;
}

/** Replaces all slices, and sends the events of the changes. @param {Slice[]} wanted */
function replace(wanted) {
  const before = events.length;
  const names = new Set(wanted.map(({ metadata }) => metadata.name));
  for (const slice of wanted) {
    const { name } = slice.metadata;
    const known = slices.get(name);
    const text = JSON.stringify(slice);
    if (known?.text === text) continue;
    slices.set(name, { text, shown: happened(known === undefined ? "ADDED" : "MODIFIED", slice) });
  }
  for (const [name, { shown }] of slices) {
    if (names.has(name)) continue;
    slices.delete(name);
    happened("DELETED", shown);
  }
  for (const event of events.slice(before)) for (const watch of watches) watch.send(event);
}

const status = (code, reason, message) => ({
  kind: "Status",
  apiVersion: "v1",
  status: "Failure",
  message,
  reason,
  code,
});
const expired = () => status(410, "Expired", `too old resource version: (${oldest})`);

/**
 * @param {{ slices?: Slice[], service?: object, fault?: typeof fault, token?: string, byStatus?: boolean,
 *   expire?: boolean, end?: boolean, bookmark?: boolean }} message
 */
function control(message) {
  token = message.token ?? token;
  service = message.service ?? service;
  fault = message.fault ?? fault;
  refusesByStatus = message.byStatus ?? refusesByStatus;
  if (message.slices !== undefined) replace(message.slices);
  if (message.bookmark === true) {
    version += 1;
    const metadata = { resourceVersion: String(version) };
    for (const watch of watches)
      watch.send({ version, type: "BOOKMARK", object: { kind: "EndpointSlice", metadata }, labels: {} });
  }
  if (message.expire === true) {
    version += 1;
    oldest = version;
    pages.clear();
  }
  if (message.end === true) for (const watch of [...watches]) watch.end();
}

/** @param {import("node:http").ServerResponse} response @param {number} code @param {object} object */
function reply(response, code, object) {
  response.writeHead(code, { "Content-Type": "application/json" }).end(JSON.stringify(object));
}

/**
 * @param {URLSearchParams} query
 * @param {{ metadata: any }[]} all
 * @param {import("node:http").ServerResponse} response
 */
function list(query, all, response) {
  if (fault.list === "expired") {
    reply(response, 410, expired());
    return;
  }
  const place = query.get("continue");
  const begun = place === null ? { version, rest: all } : pages.get(place);
  if (begun === undefined) {
    reply(response, 410, expired());
    return;
  }
  const limit = Number(query.get("limit") ?? 0) || begun.rest.length;
  const rest = begun.rest.slice(limit);
  const metadata = { resourceVersion: String(begun.version), continue: "" };
  if (rest.length > 0) {
    metadata.continue = Buffer.from(JSON.stringify([begun.version, rest.length])).toString("base64");
    pages.set(metadata.continue, { version: begun.version, rest });
  }
  const items = begun.rest.slice(0, limit);
  reply(response, 200, { kind: "EndpointSliceList", apiVersion: "discovery.k8s.io/v1", metadata, items });
}

/**
 * Answers a watch without events.
 * @param {string} how
 * @param {import("node:http").ServerResponse} response
 */
function failWatch(how, response) {
  const error = { type: "ERROR", object: status(500, "InternalError", "etcdserver: no leader") };
  const text = how === "error" ? `${JSON.stringify(error)}\n` : "";
  // Node ends a body with a length at its length, and keeps the connection.
  response.writeHead(200, how === "length" ? { "Content-Length": 0 } : {}).end(text);
}

/**
 * @param {URLSearchParams} query
 * @param {(labels: Record<string, string>) => boolean} isWanted
 * @param {import("node:http").ServerResponse} response
 */
function watch(query, isWanted, response) {
  const from = Number(query.get("resourceVersion"));
  const isExpired = from < oldest;
  if (isExpired && refusesByStatus) {
    reply(response, 410, expired());
    return;
  }
  if (fault.watch !== undefined) {
    failWatch(fault.watch, response);
    return;
  }
  response.writeHead(200, { "Content-Type": "application/json", "Transfer-Encoding": "chunked" });
  response.flushHeaders();
  if (isExpired) {
    response.end(`${JSON.stringify({ type: "ERROR", object: expired() })}\n`);
    return;
  }
  const mine = {
    send: (/** @type {Event} */ { type, object, labels }) => {
      if (type === "BOOKMARK" ? query.get("allowWatchBookmarks") === "true" : isWanted(labels))
        response.write(`${JSON.stringify({ type, object })}\n`);
    },
    end: () => {
      clearTimeout(timer);
      watches.delete(mine);
      response.end();
    },
  };
  const timer = setTimeout(mine.end, Number(query.get("timeoutSeconds") ?? 1800) * 1000);
  for (const event of events.filter((event) => event.version > from)) mine.send(event);
  watches.add(mine);
  response.on("close", mine.end);
}

serve(
  Number(process.argv[2]),
  (request, response, { pathname, searchParams: query }) => {
    const found = path.exec(pathname);
    if (request.headers.authorization !== `Bearer ${token}`) {
      reply(response, 401, status(401, "Unauthorized", "Unauthorized"));
    } else if (pathname === servicePath) {
      if (service === undefined) reply(response, 403, status(403, "Forbidden", "services is forbidden"));
      else reply(response, 200, service);
    } else if (found === null) {
      reply(response, 404, status(404, "NotFound", "the server could not find the requested resource"));
    } else {
      const [label, value] = (query.get("labelSelector") ?? "").split("=");
      const isWanted = (/** @type {Record<string, string>} */ labels) => labels[label] === value;
      const all = [...slices.values()].map(({ shown }) => shown);
      const mine = all.filter(({ metadata }) => metadata.namespace === found[1] && isWanted(metadata.labels));
      if (query.get("watch") === "true") watch(query, isWanted, response);
      else list(query, mine, response);
    }
  },
  control,
);
