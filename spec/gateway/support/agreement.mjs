/** Compares what a dry run foresees with what the same change then does, for many random documents. */
import assert from "node:assert/strict";
import { CHANGES } from "./changes.mjs";
import { randomFrom } from "./damages.mjs";
import { startGateway } from "./gateway.mjs";
import { nodeOf } from "./nodes.mjs";
import { randomChange } from "./random_changes.mjs";
import { sluice, someAddress } from "./upstreams.mjs";

/** @typedef {Record<string, any>} Upstreams as the API shows them, by name */

const ALL = "/api/sluice/1/upstreams";
/** The parameters of a server that answers show even if they have their defaults. */
const DEFAULTS = {
  weight: 1,
  max_conns: 0,
  max_fails: 1,
  fail_timeout: "10s",
  slow_start: "0s",
  route: "",
  backup: false,
  down: false,
};

/** @param {any} object @param {readonly { field: string, to?: unknown }[]} fields */
function withFields(object, fields) {
  const changed = { ...object };
  for (const { field, to } of fields) {
    if (to === undefined) delete changed[field];
    else changed[field] = to;
  }
  return changed;
}

/** Returns the servers after a change. @param {any[]} before @param {any} servers the difference */
function serversAfter(before, { added, removed = [], changed = [] }) {
  const gone = new Set(removed.map(({ id }) => id));
  const fields = new Map(changed.map((one) => [one.id, one.fields]));
  const kept = before
    .filter(({ id }) => !gone.has(id))
    .map((one) => withFields(one, fields.get(one.id) ?? []));
  return [...kept, ...added.map((one) => ({ ...DEFAULTS, ...one }))];
}

/** @param {{ id: number }[]} servers */
const byId = (servers) => servers.toSorted((one, other) => one.id - other.id);

/**
 * Returns the upstreams after a change, as its differences say.
 * @param {Upstreams} before
 * @param {Record<string, any>} differences by upstream
 */
function applied(before, differences) {
  const after = { ...before };
  for (const [name, { change, settings = [], servers }] of Object.entries(differences)) {
    if (change === "deleted") delete after[name];
    else {
      const { servers: old = [], ...rest } = before[name] ?? {};
      after[name] = { ...withFields(rest, settings), servers: byId(serversAfter(old, servers)) };
    }
  }
  return after;
}

/** Returns differences without the ids of added servers, which a dry run does not know. */
function withoutNewIds(differences) {
  const copy = structuredClone(differences);
  for (const { servers } of Object.values(copy)) for (const one of servers?.added ?? []) delete one.id;
  return copy;
}

/** @param {import("./api.mjs").Api} api */
async function stored(api) {
  const { text, headers } = await api.get(ALL);
  return { text, revision: Number(/^"(\d+)"$/.exec(headers.etag ?? "")?.[1]) };
}

/** @param {string} text @returns {Upstreams} */
function parsed(text) {
  const upstreams = JSON.parse(text);
  for (const one of Object.values(upstreams)) one.servers = byId(one.servers);
  return upstreams;
}

/**
 * Sends a document as a dry run and then for real.
 * @param {import("./api.mjs").Api} api
 * @param {Awaited<ReturnType<typeof stored>>} before
 * @param {import("./random_changes.mjs").Sent} sent
 * @param {string} where
 */
async function tryBoth(api, before, { body, force, ifMatch }, where) {
  const headers = ifMatch === undefined ? {} : { "If-Match": ifMatch };
  const query = force ? "force=true" : "";
  const foreseen = await api.post(`${CHANGES}?dry_run=true&${query}`, body, headers);
  assert.deepEqual(await stored(api), before, `${where}: the dry run changes nothing`);
  const made = await api.post(`${CHANGES}?${query}`, body, headers);
  const after = await stored(api);
  assert.equal(made.status, foreseen.status, `${where}: ${foreseen.text} ${made.text}`);
  if (made.status !== 200) {
    assert.deepEqual(
      [made.body.error, made.body.problems],
      [foreseen.body.error, foreseen.body.problems],
      where,
    );
    assert.ok(
      made.status >= 400 && made.status < 500 && made.body.problems?.length !== 0,
      `${where}: ${made.text}`,
    );
    assert.deepEqual(after, before, `${where}: a refusal changes nothing`);
    return { after, made };
  }
  assert.equal(made.body.changed, foreseen.body.changed, where);
  assert.deepEqual(withoutNewIds(made.body.upstreams), withoutNewIds(foreseen.body.upstreams), where);
  assert.equal(foreseen.body.revision, before.revision, where);
  assert.equal(after.revision, before.revision + (made.body.changed ? 1 : 0), where);
  assert.equal(made.body.revision, after.revision, where);
  assert.deepEqual(parsed(after.text), applied(parsed(before.text), made.body.upstreams), where);
  return { after, made };
}

/**
 * Sends random documents, each as a dry run and then for real.
 * @param {import("node:test").TestContext} context
 * @param {number} documents
 * @param {number} seed
 */
export async function tryDocuments(context, documents, seed) {
  const { api, log } = await startGateway(context, { upstreams: { seed: {} } });
  // There is no registry at the addresses of the documents.
  log.allow(/connect\(\) failed \(111: Connection refused\), context: ngx\.timer$/);
  await api.expect(201, "PUT", sluice("nodes"), {});
  await api.expect(201, "PUT", nodeOf("one", "nodes"), { server: someAddress(100), ttl: "1d" });
  const random = randomFrom(seed);
  const codes = new Map();
  let before = await stored(api);
  let changed = 0;
  for (let number = 0; number < documents; number += 1) {
    const sent = randomChange(random, before.revision, new Set(Object.keys(JSON.parse(before.text))));
    const where = `seed ${seed}, document ${number}: ${sent.body}`;
    const { after, made } = await tryBoth(api, before, sent, where);
    changed += made.body.changed === true ? 1 : 0;
    for (const { code } of made.body.problems ?? []) codes.set(code, (codes.get(code) ?? 0) + 1);
    before = after;
  }
  context.diagnostic(`${changed} of ${documents} documents changed something; ${JSON.stringify([...codes])}`);
  assert.ok(changed > documents / 6, `${changed} changes`);
  assert.ok(codes.size > 10, `problems of ${codes.size} kinds`);
}
