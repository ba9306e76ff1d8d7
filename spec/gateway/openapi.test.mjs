/**
 * The description of the API is served, valid OpenAPI 3.1, and complete. All specs check answers against it.
 */
import { Ajv2020 } from "ajv/dist/2020.js";
import assert from "node:assert/strict";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { checkOpenapi } from "../../scripts/check_openapi.mjs";
import { problemsOf, readSources } from "../../scripts/openapi.mjs";
import { checkRoutes, routeOperations } from "../../scripts/routes.mjs";
import { root } from "../../scripts/setup.mjs";
import { Api } from "./support/api.mjs";
import { Description } from "./support/description.mjs";
import { assertErrorBody } from "./support/error_body.mjs";
import { makeFolder } from "./support/folder.mjs";
import { startGateway } from "./support/gateway.mjs";
import { operationsOf } from "./support/operations.mjs";
import { strictness } from "./support/validators.mjs";

const path = "/api/sluice/1/openapi.json";
const servers = ["127.0.0.1:9"];
const sources = readSources();

test("the served description is valid OpenAPI 3.1 and equals the one in openapi/", async (context) => {
  const { api } = await startGateway(context, { servers });
  const { text, body } = await api.get(path);
  assert.equal(text, JSON.stringify(sources), "the order of the members is the same");
  assert.deepEqual(await problemsOf(body), []);
  assert.deepEqual(body.servers, [{ url: "/api" }]);
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  assert.equal(body.info.version, version);
  assert.equal((await api.get("/api/9/nginx")).body.build, `lua-resty-sluice-${version}-r32`);
  const head = await api.send("HEAD", path);
  assert.deepEqual([head.status, head.text, head.headers["content-type"]], [200, "", "application/json"]);
});

test("at another prefix the description names that prefix and is otherwise the same", async (context) => {
  const { api } = await startGateway(context, {
    servers,
    setup: { api: { prefix: "/~control/api" } },
    api: 'location /~control/api { content_by_lua_block { require("resty.sluice").api() } }',
  });
  const { text } = await api.get("/~control/api/sluice/1/openapi.json");
  assert.equal(text, JSON.stringify({ ...sources, servers: [{ url: "/~control/api" }] }));
});

test("every client with read access may read the description", async (context) => {
  const setup = { api: { read_tokens: ["reader"], write_tokens: ["writer"] } };
  const { api } = await startGateway(context, { servers, setup });
  const as = (token) => api.get(path, { Authorization: `Bearer ${token}` });
  assert.equal((await as("reader")).body.openapi, sources.openapi);
  assert.equal((await as("writer")).body.openapi, sources.openapi);
  assertErrorBody(await as("stranger"), 401, "Unauthorized");
  assertErrorBody(await api.get(path), 401, "Unauthorized");
});

test("the description is read-only, and without api.write Allow names only reads", async (context) => {
  const { api } = await startGateway(context, { servers });
  for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
    const answer = await api.send(method, path, {});
    assertErrorBody(answer, 405, "MethodDisabled");
    assert.equal(answer.headers.allow, "GET");
  }
  const setup = { api: { write: false } };
  const readOnly = await startGateway(context, { servers, setup });
  for (const { method, path: template, item } of operationsOf(sources)) {
    // A stream of events never ends.
    const sent = template.endsWith("/stream") ? "HEAD" : method;
    const answer = await readOnly.api.send(sent, `/api${template}`.replace("{version}", "9"));
    if (method === "GET") assert.notEqual(answer.status, 405, template);
    else assertErrorBody(answer, 405, "MethodDisabled");
    if (method !== "GET") assert.equal(answer.headers.allow, item.get && "GET", template);
  }
});

test("the description has exactly the existing routes, with the roles that they need", () => {
  assert.deepEqual(checkRoutes(sources), []);
  assert.ok(routeOperations().length > 50);
  const changed = structuredClone(sources);
  changed.paths["/sluice/1/cluster"].get["x-role"] = "read";
  delete changed.paths["/sluice/1/tokens"];
  assert.deepEqual(checkRoutes(changed), [
    "openapi/ does not have: GET /sluice/1/cluster: role admin",
    "openapi/ does not have: GET /sluice/1/tokens: role admin",
    "no route has: GET /sluice/1/cluster: role read",
  ]);
});

test("every reference resolves, every component is used, and every schema is valid", () => {
  const text = JSON.stringify(sources);
  const used = [...text.matchAll(/"\$ref":"#\/components\/([^"]*)"/g)].map(([, name]) => name);
  const kinds = Object.entries(sources.components).filter(([kind]) => kind !== "securitySchemes");
  const named = kinds.flatMap(([kind, members]) => Object.keys(members).map((name) => `${kind}/${name}`));
  assert.deepEqual([...new Set(used)].toSorted(), named.toSorted());
  const ajv = new Ajv2020(strictness);
  const description = new Description(sources);
  for (const [name, schema] of Object.entries(sources.components.schemas)) {
    assert.ok(ajv.validateSchema(schema), `${name}: ${ajv.errorsText()}`);
    assert.ok(Array.isArray(description.faultsOf(`#/components/schemas/${name}`, {})), name);
  }
});

test("the linters of Redocly and Spectral run, and report only a missing license and contact", () => {
  // `npm run check` lints the complete description. The only problem here is the removed members.
  const { title, version } = sources.info;
  const [redocly, spectral] = checkOpenapi({ ...sources, info: { title, version } });
  assert.match(redocly, /^redocly:[^]*should contain `license`[^]* with 1 error\./);
  assert.match(spectral, /^spectral:[^]*info-contact[^]*info-description[^]* 2 problems /);
});

test("a component that two files define is refused", (context) => {
  const folder = makeFolder(context, "openapi");
  cpSync(join(root, "openapi"), folder, { recursive: true });
  assert.deepEqual(readSources(folder), sources);
  writeFileSync(join(folder, "more.yaml"), "components: { schemas: { Count: { type: string } } }");
  assert.throws(
    () => readSources(folder),
    /^Error: openapi: more.yaml: duplicate "Count", which is also in another file$/,
  );
  writeFileSync(join(folder, "more.yaml"), "info: { title: another }");
  assert.throws(
    () => readSources(folder),
    /^Error: openapi: more.yaml: "info" is only allowed in openapi.yaml$/,
  );
});

test("an answer that differs from the description fails the test that receives it", async (context) => {
  const gateway = await startGateway(context, { servers });
  await assert.doesNotReject(gateway.api.get("/api"));
  // The server for traffic has a location for the API whose upstream has no listener.
  gateway.log.allow(/connect\(\) failed/);
  const other = new Api({ port: gateway.port });
  const before = process.exitCode;
  await assert.rejects(other.get("/api"), /^Error: GET \/api: 502: differs from openapi\/: /);
  assert.equal(process.exitCode, 1, "the error is not treated as a lost connection");
  process.exitCode = before;
});
