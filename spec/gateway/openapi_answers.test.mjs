/** Every described operation exists and answers as described, and deviations are detected. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackend } from "./support/backend.mjs";
import { begin } from "./support/clients.mjs";
import { Description, descriptionFor, readDescription } from "./support/description.mjs";
import { startGateway } from "./support/gateway.mjs";
import { operationsOf, requests, successesOf } from "./support/operations.mjs";
import { freePort } from "./support/ports.mjs";
import { waitFor } from "./support/wait.mjs";

const document = readDescription();

/** Sends a request for every described success. @param {import("node:test").TestContext} context */
async function askAll(context) {
  const backend = await startBackend(context);
  const discovery = { file: { path: "/nonexistent/servers.json" } };
  const gateway = await startGateway(context, {
    upstreams: { app: { servers: [{ server: backend.address }], discovery } },
  });
  const { leave } = begin(context, gateway.port, "/?hang=1");
  await waitFor("a request is in flight", () => backend.active === 1);
  for (const [method, template, body] of requests) {
    const path = template.replace("{busy}", backend.address);
    const { status, text } = await gateway.api.send(method, path, body);
    assert.ok(status < 300, `${method} ${path}: ${status} ${text}`);
  }
  for (const { method, path } of operationsOf(document)) {
    const plain = path.replace("{version}", "9");
    if (method !== "GET" || plain.includes("{")) continue;
    // The stream of events never ends.
    await gateway.api.send(plain.endsWith("/stream") ? "HEAD" : "GET", `/api${plain}`);
  }
  leave();
}

test("every described success of every operation occurs", async (context) => {
  await askAll(context);
  const endpoints = [`http://127.0.0.1:${await freePort()}`];
  const setup = {
    cluster: { etcd: { endpoints, prefix: "/sluice/" } },
    discovery: { etcd: { endpoints, prefix: "/upstreams/{name}/" } },
  };
  const gateway = await startGateway(context, { setup });
  gateway.log.allow(/connect\(\) failed/);
  await gateway.api.expect(200, "GET", "/api/sluice/1/cluster");
  await gateway.api.expect(200, "GET", "/api/sluice/1/discovery");
  assert.deepEqual(
    [...descriptionFor("/api").seen].filter(isSuccess).toSorted(),
    successesOf(document).toSorted(),
  );
});

/** @param {string} seen */
const isSuccess = (seen) => / 2\d\d$/.test(seen);

/** Changes of a correct answer, each with a pattern of the deviation that must be detected. */
const wrong = [
  {
    why: "an additional member",
    change: (answer) => (answer.body[0].more = 1),
    says: /additional|unevaluated/,
  },
  {
    why: "a missing member",
    change: (answer) => delete answer.body[0].weight,
    says: /required property 'weight'/,
  },
  {
    why: "another type",
    change: (answer) => (answer.body[0].weight = "1"),
    says: /\/0\/weight must be integer/,
  },
  { why: "no list", change: (answer) => (answer.body = {}), says: /must be array/ },
  { why: "a time without unit", change: (answer) => (answer.body[0].fail_timeout = "ten"), says: /pattern/ },
  { why: "no ETag", change: (answer) => delete answer.headers.etag, says: /header ETag is missing/ },
  {
    why: "another ETag",
    change: (answer) => (answer.headers.etag = "7"),
    says: /ETag: \/ must match pattern/,
  },
  {
    why: "an additional header",
    change: (answer) => (answer.headers.allow = "GET"),
    says: /Allow is not described/,
  },
  {
    why: "another type of content",
    change: (answer) => (answer.headers["content-type"] = "text/html"),
    says: /text\/html/,
  },
  { why: "no JSON", change: (answer) => (answer.body = undefined), says: /no JSON/ },
  { why: "another success", change: (answer) => (answer.status = 206), says: /status is not described/ },
  { why: "another status", change: (answer) => (answer.status = 404), says: /must NOT have|must be object/ },
];

test("deviations from the description are detected", async (context) => {
  const { api } = await startGateway(context, { servers: ["127.0.0.1:9"] });
  const description = new Description(document);
  const method = "GET";
  const path = "/api/9/http/upstreams/app/servers/";
  const good = await api.get(path);
  assert.equal(description.problemOf({ method, path, answer: good }), undefined);
  for (const { why, change, says } of wrong) {
    const answer = structuredClone(good);
    change(answer);
    const problem = description.problemOf({ method, path, answer }) ?? "";
    assert.match(problem, /^GET \/api\/9\/http\/upstreams\/app\/servers\/: \d+: differs from openapi\//, why);
    assert.match(problem, says, why);
  }
  // Undescribed paths are answered only with errors, and described paths are never answered with these
  // errors.
  for (const [name, where] of [
    ["GET", "/api/9/http/upstreams/app/more"],
    ["GET", "/api/10/http/upstreams/app/servers"],
    ["PUT", path],
    ["PROPFIND", path],
  ]) {
    assert.match(description.problemOf({ method: name, path: where, answer: good }) ?? "", /not described/);
  }
  const missing = await api.get("/api/9/nothing");
  assert.equal(description.problemOf({ method, path: "/api/9/nothing", answer: missing }), undefined);
  assert.match(description.problemOf({ method, path, answer: missing }) ?? "", /code must be equal/);
  const refused = await api.put(path, {});
  refused.headers.allow = "GET, PUT";
  assert.match(description.problemOf({ method: "PUT", path, answer: refused }) ?? "", /Allow is "GET, PUT"/);
});

test("request bodies that the API accepts must be described", async (context) => {
  const { api } = await startGateway(context, { servers: ["127.0.0.1:9"] });
  const description = new Description(document);
  const path = "/api/9/http/upstreams/app/servers/0";
  const answer = await api.patch(path, { weight: 2 });
  const of = (body) => description.problemOf({ method: "PATCH", path, body, answer }) ?? "";
  assert.equal(of({ weight: 2 }), "");
  assert.equal(of('{"weight":"2"}'), "");
  assert.match(of({ weight: 0 }), /the request was accepted: \/weight must be/);
  assert.match(of({ height: 2 }), /the request was accepted: .*unevaluated/);
  assert.match(of(undefined), /the request has no body/);
});
