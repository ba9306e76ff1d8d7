/** The parts of a Docker engine's API that discovery uses: its version, running containers, and events. */
import { serve } from "./fake.mjs";

/** @typedef {{ Id: string, State: string, Status: string } & Record<string, any>} Container */
/** @typedef {{ time: number, type: string, action: string, id: string }} Happening */

const [, , port, socket] = process.argv;

/** The API versions of the engine, from the oldest to the newest. */
const versions = ["1.44", "1.47"];

/** Running containers by their ids. @type {Map<string, Container>} */
const containers = new Map();
/** What the list shows, which may be late. @type {Container[]} */
let listed = [];
/** Time until the list shows a change, in milliseconds. */
let lag = 0;
/**
 * `list` and `version`: the whole answer, with its status. `events`: `end` ends each stream at once, `forbid`
 * refuses it; other texts are sent as its first line.
 * @type {{ list?: [number, string], version?: [number, string], events?: string }}
 */
let fault = {};
/** @type {Happening[]} */
const happenings = [];
/** @type {Set<{ send: (happening: Happening) => void, end: () => void }>} */
const streams = new Set();

/** @param {string} type @param {string} action @param {string} id */
function happened(type, action, id) {
  const happening = { time: Math.floor(Date.now() / 1000), type, action, id };
  happenings.push(happening);
  for (const stream of streams) stream.send(happening);
}

/** Returns the health in a container's status. @param {Container} container */
const healthOf = ({ Status }) => /\((?:health: )?(\w+)\)/.exec(Status)?.[1] ?? "";

/** @param {Container} before @param {Container} after */
function changed(before, after) {
  if (before.State !== after.State)
    happened("container", after.State === "paused" ? "pause" : "unpause", after.Id);
  if (healthOf(before) !== healthOf(after))
    happened("container", `health_status: ${healthOf(after)}`, after.Id);
  const networks = (/** @type {Container} */ { NetworkSettings }) => JSON.stringify(NetworkSettings);
  if (networks(before) !== networks(after)) happened("network", "connect", "network-1");
}

/** Replaces all containers, and sends the events of the changes. @param {Container[]} wanted */
function replace(wanted) {
  const before = new Map(containers);
  containers.clear();
  for (const container of wanted) containers.set(container.Id, container);
  const show = () => (listed = [...containers.values()]);
  if (lag > 0) setTimeout(show, lag);
  else show();
  for (const id of before.keys()) if (!containers.has(id)) happened("container", "die", id);
  for (const container of wanted) {
    const known = before.get(container.Id);
    if (known === undefined) happened("container", "start", container.Id);
    else changed(known, container);
  }
}

/**
 * @param {{ containers?: Container[], silent?: Container[], fault?: typeof fault, lag?: number,
 *   noise?: number, end?: boolean }} message `silent`: a change without events; `noise`: a number of events
 *   that change nothing
 */
function control(message) {
  fault = message.fault ?? fault;
  lag = message.lag ?? lag;
  if (message.containers !== undefined) replace(message.containers);
  if (message.silent !== undefined) listed = message.silent;
  for (let count = 0; count < (message.noise ?? 0); count += 1) happened("container", "start", `x${count}`);
  if (message.end === true) for (const stream of [...streams]) stream.end();
}

/** @param {import("node:http").ServerResponse} response @param {number} code @param {unknown} object */
function reply(response, code, object) {
  const text = typeof object === "string" ? object : JSON.stringify(object);
  response.writeHead(code, { "Content-Type": "application/json" }).end(text);
}

/** Returns whether a filter's list allows a value. @param {string[] | undefined} list */
const allows = (list, value) => list === undefined || list.some((each) => value.startsWith(each));

/** @param {URLSearchParams} query @param {import("node:http").ServerResponse} response */
function watch(query, response) {
  if (fault.events === "forbid") {
    response.writeHead(403, { "Content-Type": "text/html" }).end("<html>403 Forbidden</html>");
    return;
  }
  const filters = JSON.parse(query.get("filters") ?? "{}");
  response.writeHead(200, { "Content-Type": "application/json" });
  response.flushHeaders();
  const mine = {
    send: ({ time, type, action, id }) => {
      if (!allows(filters.type, type) || !allows(filters.event, action)) return;
      const actor = { ID: id, Attributes: { name: id } };
      const event = { Type: type, Action: action, Actor: actor, scope: "local", time, timeNano: time * 1e9 };
      response.write(`${JSON.stringify(event)}\n`);
    },
    end: () => {
      streams.delete(mine);
      response.end();
    },
  };
  if (fault.events === "end") {
    response.end();
    return;
  }
  if (fault.events !== undefined) response.write(`${fault.events}\n`);
  const since = query.get("since");
  if (since !== null) for (const each of happenings) if (each.time >= Number(since)) mine.send(each);
  streams.add(mine);
  response.on("close", mine.end);
}

serve(
  Number(port),
  (request, response, { pathname, searchParams: query }) => {
    const [, version, path] = /^(?:\/v([\d.]+))?(\/.*)$/.exec(pathname) ?? [];
    if (path === "/version") {
      reply(response, ...(fault.version ?? [200, { ApiVersion: versions[1], MinAPIVersion: versions[0] }]));
    } else if (version === undefined || !versions.includes(version)) {
      reply(response, 400, { message: `client version ${version} is not supported` });
    } else if (path === "/containers/json") {
      reply(response, ...(fault.list ?? [200, listed]));
    } else if (path === "/events") {
      watch(query, response);
    } else {
      reply(response, 404, { message: "page not found" });
    }
  },
  control,
  socket,
);
