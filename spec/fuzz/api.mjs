/**
 * Fuzzes the API of a gateway: random requests, mostly valid by its description. No answer differs from the
 * description, none is an error of the gateway, and a refused request changes nothing.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { root } from "../../scripts/command.mjs";
import { descriptionFor, readDescription } from "../gateway/support/description.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { operationsOf } from "../gateway/support/operations.mjs";
import { Values } from "./api_values.mjs";

const CORPUS = join(root, "spec/fuzz/corpus/api");
/** Bound on the time of an answer, in milliseconds; a busy machine needs some of it. */
const LATEST = 20_000;

/** @typedef {{ method: string, path: string, body?: unknown }} Request */

/**
 * Lua that runs before `setup`, what it logs, and the request that shows it, which is sent first.
 * @typedef {{ lua: string, logged: RegExp, shownBy: Request }} Fault
 */

/** Names of upstreams, servers and nodes that exist, or may. */
const names = fc.oneof(
  fc.constantFrom("app", "other", "app", "0", "1", "9", "node-1", "web"),
  fc.string({ maxLength: 12 }).map(encodeWhole),
);

/** Encodes any text, also half a pair of surrogates. @param {string} text */
function encodeWhole(text) {
  return encodeURIComponent(text.toWellFormed()).replaceAll(/^\.+$/g, "a") || "a";
}

/** @param {Values} values @param {any} document @returns {fc.Arbitrary<Request>} */
function requestsOf(values, document) {
  const wanted = operationsOf(document).filter(({ path }) => !path.endsWith("/stream"));
  return fc.oneof(...wanted.map((one) => requestOf(values, document, one)));
}

/** @param {any} document @param {any} parameter */
const resolved = (document, parameter) =>
  parameter.$ref === undefined
    ? parameter
    : parameter.$ref
        .slice(2)
        .split("/")
        .reduce((value, name) => value[name], document);

/** @param {Values} values @param {any} document @param {ReturnType<typeof operationsOf>[number]} operation */
function requestOf(values, document, { method, path, item, operation }) {
  const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((one) =>
    resolved(document, one),
  );
  // A change that waits for its effect takes its time.
  const queries = parameters.filter((one) => one.in === "query" && one.name !== "wait");
  const parts = path.split("/").map((part) => {
    if (part === "{version}") return fc.constantFrom("9", "9", "9", "1", "10");
    return part.startsWith("{") ? names : fc.constant(part);
  });
  const query = fc
    .subarray(queries, { maxLength: Math.min(2, queries.length) })
    .chain((chosen) =>
      fc.tuple(
        ...chosen.map((one) =>
          values.of(one.schema).map((value) => `${one.name}=${encodeWhole(String(value))}`),
        ),
      ),
    );
  const schema = resolved(document, operation.requestBody ?? {}).content?.["application/json"]?.schema;
  const body = schema === undefined ? fc.constant(undefined) : values.of(schema);
  return fc.record({ parts: fc.tuple(...parts), query, body }).map((made) => ({
    method,
    path: `/api${made.parts.join("/")}${made.query.length > 0 ? `?${made.query.join("&")}` : ""}`,
    body: made.body === undefined ? undefined : JSON.stringify(made.body),
  }));
}

/** Returns the requests that were kept. @returns {Request[]} */
function corpus() {
  const files = existsSync(CORPUS) ? readdirSync(CORPUS).sort() : [];
  return files.map((name) => JSON.parse(readFileSync(join(CORPUS, name), "utf8")));
}

/** @param {import("../gateway/support/api.mjs").Api} api */
async function upstreamsOf(api) {
  const { status, text, headers } = await api.get("/api/sluice/1/upstreams");
  assert.equal(status, 200, text);
  return { text, revision: Number(/^"(\d+)"$/.exec(headers.etag ?? "")?.[1]) };
}

/**
 * Asserts that no client has changed anything. A registration or a drain job of an earlier request
 * may end at any time; their changes have no origin.
 * @param {import("../gateway/support/api.mjs").Api} api
 * @param {Awaited<ReturnType<typeof upstreamsOf>>} before
 * @param {string} what
 */
async function assertUnchanged(api, before, what) {
  const { text } = await upstreamsOf(api);
  if (text === before.text) return;
  const query = `since=${before.revision}&limit=1000`;
  const { changes } = await api.expect(200, "GET", `/api/sluice/1/history?${query}`);
  const byOthers = changes.every((/** @type {any} */ { origin }) => origin === undefined);
  assert.ok(changes.length > 0 && byOthers, `${what}: it was refused, but ${text} was ${before.text}`);
}

/**
 * Sends a request and checks its effect.
 * @param {import("../gateway/support/gateway.mjs").Gateway} gateway
 * @param {Request} request
 */
async function check({ api }, { method, path, body }) {
  const before = await upstreamsOf(api);
  const started = performance.now();
  const answer = await api.send(method, path, body);
  const time = performance.now() - started;
  assert.ok(time < LATEST, `${method} ${path}: ${time} ms`);
  assert.ok(answer.status < 500, `${method} ${path}: ${answer.status} ${answer.text}`);
  if (answer.status >= 400) await assertUnchanged(api, before, `${method} ${path}`);
  return answer;
}

/**
 * Saves the smallest failing request. Returns the text of the failure.
 * @param {Request | undefined} request
 * @param {Error} failure
 */
function saved(request, failure) {
  const folder = join(root, "build/fuzz/api");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, "failure.json");
  writeFileSync(path, `${JSON.stringify(request, undefined, 2)}\n`);
  return `${failure.message}\nthe smallest failing request is in ${path}`;
}

/**
 * @param {import("node:test").TestContext} context
 * @param {{ seconds: number, seed: number, keeps?: boolean, fault?: Fault }}
 *   options `keeps`: adds requests with an outcome that no other has to the corpus
 */
export async function fuzzApi(context, { seconds, seed, keeps = false, fault = undefined }) {
  const document = readDescription();
  const gateway = await startGateway(context, {
    upstreams: { app: { servers: [{ server: "127.0.0.1:81" }] }, other: { servers: [] } },
    beforeSetup: fault?.lua,
  });
  // Requests name registries at addresses where nothing listens.
  gateway.log.allow(/connect\(\) failed \(111: Connection refused\), context: ngx\.timer$/);
  gateway.log.allow(/connect\(\) to unix:.* failed \(2: No such file or directory\), context: ngx\.timer$/);
  if (fault !== undefined) gateway.log.allow(fault.logged);
  const workers = gateway.workers();
  const { seen } = descriptionFor("/api");
  if (fault === undefined) for (const request of corpus()) await check(gateway, request);
  let runs = 0;
  /** @type {Request | undefined} */
  let failing;
  const property = fc.asyncProperty(requestsOf(new Values(document), document), async (request) => {
    const known = seen.size;
    runs += 1;
    try {
      await check(gateway, request);
    } catch (failure) {
      failing = request;
      throw failure;
    }
    if (!keeps || seen.size === known) return;
    mkdirSync(CORPUS, { recursive: true });
    const name = [...seen].at(-1)?.replaceAll(" ", "_");
    writeFileSync(join(CORPUS, `${name}.json`), `${JSON.stringify(request, undefined, 2)}\n`);
  });
  // A failing request is printed with the seed, and then made smaller.
  /** @type {[Request][]} */
  const examples = fault === undefined ? [] : [[fault.shownBy]];
  const limits = { examples, interruptAfterTimeLimit: seconds * 1000, markInterruptAsFailure: false };
  await fc.assert(property, { seed, numRuns: 1e9, ...limits }).catch((failure) => {
    throw new Error(saved(failing, failure), { cause: failure });
  });
  assert.deepEqual(gateway.workers(), workers, "no worker has ended");
  context.diagnostic(`api: seed ${seed}: ${runs} requests, ${seen.size} outcomes of operations`);
}
