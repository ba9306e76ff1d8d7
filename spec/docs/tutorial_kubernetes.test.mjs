/**
 * docs/tutorial/08-kubernetes.md: the gateway follows a server that speaks Kubernetes' protocol. The
 * manifests are parsed. Their names must agree with each other and with the image, and the role must allow
 * each request of the gateway.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { root } from "../../scripts/command.mjs";
import { startKubernetes } from "../gateway/support/registries/kubernetes.mjs";
import { testPage } from "./support/page_test.mjs";

const page = "docs/tutorial/08-kubernetes.md";

/** @type {import("../gateway/support/registries/kubernetes.mjs").Kubernetes} */
let kubernetes;
/** The manifests of the page, by kind. @type {Map<string, any>} */
const manifests = new Map();

/** @param {import("./support/scene.mjs").Scene} scene */
async function startCluster(scene) {
  kubernetes = await startKubernetes(scene.context);
  await kubernetes.set([{ server: "10.0.0.1:8000" }, { server: "10.0.0.2:8000" }]);
}

/** @param {string} text */
function parse(text) {
  for (const document of parseAllDocuments(text)) {
    assert.deepEqual(document.errors, []);
    const manifest = document.toJS();
    manifests.set(manifest.kind, manifest);
  }
}

/** Whether the role allows a request for a path. @param {string} asked */
function isAllowed(asked) {
  const { pathname, searchParams } = new URL(asked, "http://kubernetes");
  const [, group, resource, name] =
    /^\/(?:api|apis\/([^/]+))\/v1\/namespaces\/default\/([^/]+)\/?(.*)$/.exec(pathname) ?? [];
  const listed = searchParams.get("watch") === "true" ? "watch" : "list";
  const verb = name === "" ? listed : "get";
  return manifests
    .get("Role")
    .rules.some(
      ({ apiGroups, resources, verbs }) =>
        apiGroups.includes(group ?? "") && resources.includes(resource) && verbs.includes(verb),
    );
}

function assertAccess() {
  const account = manifests.get("ServiceAccount").metadata.name;
  const { roleRef, subjects } = manifests.get("RoleBinding");
  assert.equal(roleRef.name, manifests.get("Role").metadata.name);
  assert.deepEqual(
    subjects.map(({ name }) => name),
    [account],
  );
}

function assertGateway() {
  const { spec } = manifests.get("StatefulSet");
  const { template, selector, volumeClaimTemplates } = spec;
  const [container] = template.spec.containers;
  assert.deepEqual(template.metadata.labels, selector.matchLabels);
  assert.deepEqual(manifests.get("Service").spec.selector, selector.matchLabels);
  assert.equal(template.spec.serviceAccountName, manifests.get("ServiceAccount").metadata.name);
  const volumes = [...template.spec.volumes.map(({ name }) => name), volumeClaimTemplates[0].metadata.name];
  assert.deepEqual(container.volumeMounts.map(({ name }) => name).sort(), volumes.sort());
  const [, created] = /kubectl create configmap (\S+) --from-file=nginx\.conf=/.exec(
    readFileSync(join(root, page), "utf8"),
  );
  const configMaps = template.spec.volumes.flatMap(({ configMap }) => configMap?.name ?? []);
  assert.deepEqual(configMaps, [manifests.get("ConfigMap").metadata.name, created]);
  const entrypoint = readFileSync(join(root, "docker", "entrypoint.sh"), "utf8");
  const { mountPath, subPath } = container.volumeMounts.find(({ name }) => name === "nginx");
  assert.equal(subPath, "nginx.conf");
  assert.ok(entrypoint.includes(` ${mountPath} `), `the image reads ${mountPath}`);
  for (const { name } of container.env) assert.ok(entrypoint.includes(`$${name}`), `${name} is a variable`);
}

/** @param {import("./support/scene.mjs").Scene} scene */
async function followAsConfigured(scene) {
  const { app } = JSON.parse(manifests.get("ConfigMap").data["upstreams.json"]);
  const { api_server: server, ...own } = app.discovery.kubernetes;
  assert.match(server, /^https:/);
  const path = "/api/sluice/1/upstreams/app?force=true";
  await scene.gateway.api.expect(200, "PUT", path, { discovery: kubernetes.discovery(own) });
}

testPage("docs/tutorial/08-kubernetes.md", {
  servers: [9001, 9002],
  before: startCluster,
  kinds: {
    access: (scene, block, text) => {
      parse(text);
      assertAccess();
    },
    gateway: async (scene, block, text) => {
      parse(text);
      assertGateway();
      await followAsConfigured(scene);
    },
    upstream: async (scene, block, text) => {
      const asked = await kubernetes.asked();
      assert.ok(asked.length > 0);
      for (const path of asked) assert.ok(isAllowed(path), `the role does not allow ${path}`);
      const path = "/api/sluice/1/upstreams/shop";
      await scene.gateway.api.expect(201, "PUT", path, JSON.parse(text));
      await scene.gateway.api.expect(204, "DELETE", path);
    },
  },
});
