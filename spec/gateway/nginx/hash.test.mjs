/**
 * `hash` beside nginx's own: the promises of `upstream_hash.t`. That each key has the same server as with
 * nginx is in `hash_equality.test.mjs`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask } from "../support/load.mjs";
import { bothKinds, countsOf, repeated, sequenceOf, startNamed, startTwins } from "../support/twins.mjs";
import { serversOf } from "../support/upstreams.mjs";

const plain = { directives: "hash $arg_a;", settings: { method: "hash", hash: { key: "$arg_a" } } };
const consistent = {
  directives: "hash $arg_a consistent;",
  settings: { method: "hash", hash: { key: "$arg_a", consistent: true } },
};
/** @type {Record<string, typeof plain>} */
const kinds = { plain, consistent };

/** Paths with a key each. @param {string} path @param {number} count */
const keys = (path, count, query = "") =>
  Array.from({ length: count }, (_, number) => `${path}/?a=${number + 1}${query}`);

for (const [name, kind] of Object.entries(kinds)) {
  test(`${name}: when a server is gone, ${name === "plain" ? "other keys move too" : "only its keys move"}`, async (context) => {
    const servers = (await startNamed(context, 3)).map(({ address }, index) => ({
      server: address,
      weight: index === 2 ? 10 : 1,
    }));
    const less = [servers[0], servers[2]];
    const gateway = await startTwins(context, {
      all: { ...kind, servers },
      less: { ...kind, servers: less },
    });
    const of = (/** @type {string} */ upstream) =>
      bothKinds(upstream, (path) => sequenceOf(gateway, keys(path, 60)));
    const [before, after] = [await of("all"), await of("less")];
    const moved = before.filter((server, index) => server !== "b" && server !== after[index]).length;
    assert.equal(moved > 0, name === "plain", `${moved} keys of other servers have moved`);
    await gateway.api.expect(200, "DELETE", `${serversOf("all")}/1`);
    assert.deepEqual(
      await sequenceOf(gateway, keys("/sluice/all", 60)),
      after,
      "a deletion has the same effect",
    );
  });

  test(`${name}: a key stays with its server, and requests without a key are spread evenly`, async (context) => {
    const servers = (await startNamed(context, 3)).map(({ address }) => ({ server: address }));
    const gateway = await startTwins(context, { app: { ...kind, servers } });
    const same = await bothKinds("app", (path) => sequenceOf(gateway, repeated(`${path}/?a=1`, 10)));
    assert.equal(new Set(same).size, 1);
    for (const query of ["?a=", ""]) {
      const counts = await bothKinds("app", async (path) =>
        countsOf(await sequenceOf(gateway, repeated(`${path}/${query}`, 6))),
      );
      assert.deepEqual(counts, { a: 2, b: 2, c: 2 });
    }
  });

  test(`${name}: with proxy_next_upstream, an error of the key's server is retried at the server that nginx takes`, async (context) => {
    const all = await startNamed(context, 3);
    const servers = all.map(({ address }) => ({ server: address, max_fails: 0 }));
    const gateway = await startTwins(
      context,
      { app: { ...kind, servers } },
      { traffic: "proxy_next_upstream http_502;" },
    );
    const healthy = await bothKinds("app", (path) => sequenceOf(gateway, keys(path, 20)));
    assert.equal(new Set(healthy).size, 3);
    all[2].behaviour = { status: 502 };
    const retried = await bothKinds("app", (path) => sequenceOf(gateway, keys(path, 20)));
    assert.ok(healthy.includes("c") && !retried.includes("c"));
    for (const [index, server] of healthy.entries()) if (server !== "c") assert.equal(retried[index], server);
  });

  test(`${name}: without proxy_next_upstream for it, a client gets the error of the key's server`, async (context) => {
    const all = await startNamed(context, 3);
    all[2].behaviour = { status: 502 };
    const servers = all.map(({ address }) => ({ server: address, max_fails: 0 }));
    const gateway = await startTwins(context, { app: { ...kind, servers } });
    const statuses = await bothKinds("app", async (path) => {
      const answers = [];
      for (const key of keys(path, 20)) answers.push((await ask(gateway.port, key)).status);
      return answers;
    });
    const failed = statuses.filter((status) => status === 502).length;
    assert.ok(failed > 0 && failed < 20, `${failed} of 20 keys belong to the server`);
  });

  test(`${name}: all keys are answered while one of two servers closes each connection`, async (context) => {
    const [a, bad] = await startNamed(context, 2);
    bad.behaviour = { reset: 1 };
    const servers = [a, bad].map(({ address }) => ({ server: address }));
    const gateway = await startTwins(context, { app: { ...kind, servers } });
    const answers = await bothKinds("app", (path) => sequenceOf(gateway, keys(path, 20)));
    assert.deepEqual(countsOf(answers), { a: 20 });
  });

  test(`${name}: when all servers fail, $upstream_addr has each that was tried`, async (context) => {
    const all = await startNamed(context, 2);
    const servers = all.map(({ address }) => ({ server: address }));
    const gateway = await startTwins(context, { app: { ...kind, servers } });
    for (const server of all) server.behaviour = { reset: 1 };
    const tried = await bothKinds("app", async (path) => {
      const { status, headers } = await ask(gateway.port, `${path}/?a=1`);
      return [status, String(headers["x-addresses"]).split(", ").toSorted()];
    });
    assert.deepEqual(tried, [502, servers.map(({ server }) => server).toSorted()]);
  });
}
