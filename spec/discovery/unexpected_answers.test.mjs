/** An answer of a registry with wrong types in its JSON is refused with the reason, and the servers stay. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { atEnd } from "../gateway/support/cleanup.mjs";
import { waitForState as waitForCluster } from "../gateway/support/cluster.mjs";
import { discoveryOf } from "../gateway/support/discovery.mjs";
import { makeFolder } from "../gateway/support/folder.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { serversOf, sluice, someAddress } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

/** Values and files of the program, which no message may contain. */
const INTERNALS = /userdata|\.lua|table: 0x|attempt to|nil/;

const base64 = (/** @type {string} */ text) => Buffer.from(text).toString("base64");
const header = { revision: "5" };
const key = base64("/app/one");

/**
 * Starts a server with one answer for all requests, or with answers by the end of the path. It ends with the
 * test.
 * @param {import("node:test").TestContext} context
 * @param {string | Record<string, string>} answers
 * @returns {Promise<string>} its URL
 */
async function startLiar(context, answers) {
  const server = createServer((request, response) => {
    request.resume();
    const path = new URL(request.url ?? "", "http://registry").pathname;
    const text = typeof answers === "string" ? answers : answers[path.slice(path.lastIndexOf("/") + 1)];
    response.writeHead(200, { "X-Consul-Index": "7" }).end(text);
  });
  atEnd(context, () => server.close().closeAllConnections());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (server.address()).port}`;
}

/** The first answers of a Docker engine, so that the gateway lists the containers. */
const engine = { version: '{"ApiVersion":"1.41"}', events: "" };

/** The first answer of etcd, so that the gateway begins a watch. */
const listed = JSON.stringify({ header });

/**
 * @type {Record<string, { of: (url: string, token: string) => object, answers: [string | Record<string,
 *   string>, string][] }>}
 */
const registries = {
  etcd: {
    of: (url) => ({ etcd: { endpoints: [url], prefix: "/app/" } }),
    answers: [
      ["[1,2]", "it is not an object"],
      ["null", "it is not an object"],
      ['"x"', "it is not an object"],
      ["<html>", "it is not JSON"],
      ['{"header":null}', 'there is no "header.revision"'],
      ['{"header":"x"}', '"header" is not an object'],
      ['{"header":{"revision":{}}}', '"header.revision" is not a whole number'],
      ['{"kvs":"x"}', '"kvs" is not a list'],
      [JSON.stringify({ header, kvs: [null] }), '"kvs[0]" is not an object'],
      [JSON.stringify({ header, kvs: [{ key: 7 }] }), '"kvs[0].key" is not a string'],
      [JSON.stringify({ header, kvs: [{ key, value: [] }] }), '"kvs[0].value" is not a string'],
      [JSON.stringify({ header, more: "x" }), '"more" is not a boolean'],
      [
        JSON.stringify({ header, kvs: [{ key: base64("/b") }] }),
        "it has a key that does not begin with the prefix",
      ],
      // Without the check, the gateway would ask for more keys without end.
      [JSON.stringify({ header, kvs: [{ key }], more: true }), "its keys are not in order"],
      [{ range: listed, watch: "[1]\n" }, "it is not an object"],
      [{ range: listed, watch: '{"result":7}\n' }, '"result" is not an object'],
      [{ range: listed, watch: '{"result":{"events":"x"}}\n' }, '"result.events" is not a list'],
      [{ range: listed, watch: '{"result":{"events":[{"kv":null}]}}\n' }, 'an event has no "kv"'],
      [{ range: listed, watch: '{"result":{"canceled":1}}\n' }, '"result.canceled" is not a boolean'],
    ],
  },
  consul: {
    of: (address) => ({ consul: { address, service: "app" } }),
    answers: [
      ["null", "it is not a list"],
      ['{"a":1}', "it is not a list"],
      ["[1]", '"[0]" is not an object'],
      ['[{"Service":{"Port":"80"}}]', '"[0].Service.Port" is not a number'],
      ['[{"Node":[1]}]', '"[0].Node" is not an object'],
      ['[{"Node":{"Meta":{"zone":1}}}]', '"[0].Node.Meta.zone" is not a string'],
      ['[{"Service":{"Meta":[1]}}]', '"[0].Service.Meta" is not an object'],
      ['[{"Checks":[{"Status":1}]}]', '"[0].Checks[0].Status" is not a string'],
      ['[{"Service":{"Weights":{"Passing":true}}}]', '"[0].Service.Weights.Passing" is not a number'],
    ],
  },
  consul_kv: {
    of: (address) => ({ consul_kv: { address, prefix: "app/" } }),
    answers: [
      ['{"a":1}', "it is not a list"],
      ['[{"Key":7}]', '"[0].Key" is not a string'],
      ['[{"Key":"app/a","Value":{}}]', '"[0].Value" is not a string'],
    ],
  },
  docker: {
    of: (endpoint) => ({ docker: { endpoint } }),
    answers: [
      ["null", "it is not an object"],
      ["{}", 'there is no "ApiVersion"'],
      ['{"ApiVersion":"1.41/../.."}', 'there is no "ApiVersion"'],
      [{ version: '{"ApiVersion":1.41}' }, '"ApiVersion" is not a string'],
      [{ ...engine, json: "{}" }, "it is not a list"],
      [{ ...engine, json: "[{" }, "it is not JSON"],
      [{ ...engine, json: "[{},7]" }, "it is not an object"],
      [{ ...engine, json: '[{"Labels":{"a":1}}]' }, '"Labels.a" is not a string'],
      [{ ...engine, json: '[{"Labels":"a"}]' }, '"Labels" is not an object'],
      [{ ...engine, json: '[{"Names":[1]}]' }, '"Names[0]" is not a string'],
      [
        { ...engine, json: '[{"NetworkSettings":{"Networks":{"a":{"IPAddress":7}}}}]' },
        '"NetworkSettings.Networks.a.IPAddress" is not a string',
      ],
      [{ ...engine, json: "[]", events: "[1]\n" }, "it is not an object"],
      [{ ...engine, json: "[]", events: '{"Actor":{"ID":7}}\n' }, '"Actor.ID" is not a string'],
    ],
  },
  kubernetes: {
    of: (api_server, token_file) => ({ kubernetes: { service: "app", port: 80, api_server, token_file } }),
    answers: [
      ["[1]", "it is not an object"],
      ['{"metadata":null,"items":[]}', 'there is no "metadata.resourceVersion"'],
      ['{"metadata":{"resourceVersion":5}}', '"metadata.resourceVersion" is not a string'],
      ['{"items":{"a":1}}', '"items" is not a list'],
      ['{"items":[{"endpoints":"x"}]}', '"items[0].endpoints" is not a list'],
      [
        '{"items":[{"endpoints":[{"addresses":[7]}]}]}',
        '"items[0].endpoints[0].addresses[0]" is not a string',
      ],
      ['{"items":[{"endpoints":[{"zone":1}]}]}', '"items[0].endpoints[0].zone" is not a string'],
      ['{"items":[{"ports":[{"port":"80"}]}]}', '"items[0].ports[0].port" is not a number'],
    ],
  },
};

/** @param {import("node:test").TestContext} context */
function makeToken(context) {
  const path = join(makeFolder(context, "token"), "token");
  writeFileSync(path, "token", { mode: 0o644 });
  return path;
}

for (const [source, { of, answers }] of Object.entries(registries)) {
  test(`${source}: an answer with wrong types is refused with the reason`, async (context) => {
    const token = makeToken(context);
    const upstreams = {};
    for (const [index, [answer]] of answers.entries()) {
      const discovery = of(await startLiar(context, answer), token);
      upstreams[`app${index}`] = { servers: [{ server: someAddress(1) }], discovery };
    }
    const gateway = await startGateway(context, { upstreams, http: "lua_socket_log_errors off;" });
    for (const [index, [answer, what]] of answers.entries()) {
      const name = `app${index}`;
      const expected = `${source.replace("_kv", "")}: unexpected answer: ${what}`;
      const { error } = await waitFor(`${JSON.stringify(answer)} is refused: ${expected}`, async () => {
        const found = await discoveryOf(gateway.api, name);
        return found.error?.includes(expected) ? found : undefined;
      });
      assert.doesNotMatch(error, INTERNALS);
      const servers = await gateway.api.expect(200, "GET", serversOf(name));
      assert.deepEqual(
        servers.map(({ server }) => server),
        [someAddress(1)],
      );
    }
  });
}

test("null means not set: an entry without an address or a port is skipped with its reason", async (context) => {
  const token = makeToken(context);
  const instance = {
    Node: { Node: "n", Address: "127.0.0.1" },
    Service: { ID: "a", Address: null, Port: 80, Weights: null },
  };
  const consul = JSON.stringify([
    instance,
    { Node: null, Service: { ID: "b", Address: null, Port: 80 } },
    { Node: { Node: "n", Address: "127.0.0.2" }, Service: { ID: "c", Address: "", Port: null } },
    { Node: null, Service: null },
  ]);
  const endpoints = [
    { addresses: ["127.0.0.1"], conditions: { ready: null } },
    { addresses: null, conditions: null },
  ];
  const kubernetes = JSON.stringify({
    metadata: { resourceVersion: "1" },
    items: [
      { metadata: { name: "s" }, ports: [{ name: null, port: 80, protocol: null }], endpoints },
      { metadata: { name: "t" }, ports: null, endpoints: null },
    ],
  });
  const upstreams = {
    consul: { servers: [], discovery: registries.consul.of(await startLiar(context, consul), token) },
    kubernetes: {
      servers: [],
      discovery: registries.kubernetes.of(await startLiar(context, kubernetes), token),
    },
  };
  const gateway = await startGateway(context, { upstreams, http: "lua_socket_log_errors off;" });
  /** @type {Record<string, object[]>} */
  const wanted = {
    consul: [
      { entry: "/b", reason: "the entry has no address" },
      { entry: "n/c", reason: "the entry has no port" },
      { entry: "/", reason: "the entry has no address" },
    ],
    kubernetes: [{ entry: "s/", reason: "the entry has no address" }],
  };
  for (const [name, skipped] of Object.entries(wanted)) {
    const found = await waitFor(`${name} has answered`, async () => {
      const now = await discoveryOf(gateway.api, name);
      return now.skipped_count > 0 ? now : undefined;
    });
    assert.deepEqual(found.skipped, skipped);
    const servers = await gateway.api.expect(200, "GET", serversOf(name));
    assert.deepEqual(
      servers.map(({ server }) => server),
      ["127.0.0.1:80"],
    );
  }
});

test("wrong types in answers of the cluster's etcd are reported, and a write fails cleanly", async (context) => {
  // Another gateway has begun this history, and the cluster of this etcd has no id, so joining requires no
  // write.
  const state = { "state/complete": "yes", "state/history": "0123456700000000" };
  const kvs = Object.entries(state).map(([name, value]) => {
    return { key: base64(`/sluice/${name}`), value: base64(value), mod_revision: "1" };
  });
  const range = JSON.stringify({ header, kvs, count: "2" });
  for (const [txn, what] of /** @type {const} */ ([
    ["[1,2]", "it is not an object"],
    ['{"succeeded":true}', 'there is no "header.revision"'],
    ['{"succeeded":false,"responses":"x"}', '"responses" is not a list'],
  ])) {
    const url = await startLiar(context, { range, txn, put: "{}", watch: '{"result":{"events":{"a":1}}}\n' });
    const setup = { cluster: { etcd: { endpoints: [url], prefix: "/sluice/" } } };
    const gateway = await startGateway(context, { workers: 1, setup, http: "lua_socket_log_errors off;" });
    await waitForCluster(gateway, "failing");
    const cluster = await gateway.api.expect(200, "GET", "/api/sluice/1/cluster");
    assert.equal(cluster.error, 'etcd: unexpected answer: "result.events" is not a list');
    const { status, body } = await gateway.api.put(sluice("new"), { servers: [] });
    assert.equal(status, 503);
    assert.ok(body.error.text.endsWith(`: etcd: unexpected answer: ${what}`), body.error.text);
    await gateway.stop();
  }
});
