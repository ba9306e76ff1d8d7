/** What the API shows of a split: members, shares, problems, and the next member. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "./support/backend.mjs";
import { startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { serversOf, sluice } from "./support/upstreams.mjs";

const members = [
  { upstream: "v1", weight: 75 },
  { upstream: "v2", weight: 25 },
  { upstream: "v3", weight: 0, match: { $http_x_canary: "always" } },
];

/** @param {number} v1 @param {number} v2 @param {boolean} [isUp] whether `v1` has an available server */
const shown = (v1, v2, isUp = true) => [
  { upstream: "v1", weight: 75, share_percent: v1, available: isUp },
  { upstream: "v2", weight: 25, share_percent: v2, available: true },
  { upstream: "v3", weight: 0, share_percent: 0, available: false },
];

test("the shares of members in effect are in each status, in the explanation and in the metrics", async (context) => {
  const [one, two] = await startBackends(context, 2);
  const { api, port } = await startGateway(context, {
    workers: 1,
    upstreams: {
      v1: { servers: [{ server: one.address }] },
      v2: { servers: [{ server: two.address }] },
      v3: { servers: [] },
      app: { split: { by: "$arg_user", members } },
    },
  });
  const assertShown = async (wanted) => {
    const explained = await api.expect(200, "GET", `${sluice()}/explain`);
    const status = await api.expect(200, "GET", `${sluice()}/status`);
    const overview = await api.expect(200, "GET", "/api/sluice/1/status");
    const [summary] = overview.upstreams.filter(({ name }) => name === "app");
    for (const { split } of [explained, status, summary]) assert.deepEqual(split, wanted);
    assert.deepEqual([explained.servers, status.servers, summary.servers], [[], [], 0]);
    const { text } = await api.get("/api/metrics");
    for (const { upstream, weight, share_percent } of wanted) {
      const labels = `{upstream="app",member="${upstream}"}`;
      assert.ok(text.includes(`sluice_split_weight${labels} ${weight}\n`), text);
      assert.ok(text.includes(`sluice_split_share_ratio${labels} ${share_percent / 100}\n`));
    }
    return explained;
  };
  // Before its first request, a worker forgets the turns of a split when it is asked about another upstream.
  await ask(port);
  const { next } = await assertShown(shown(75, 25));
  for (let turn = 0, foreseen = next.upstream; turn < 12; turn += 1) {
    const id = foreseen === "v1" ? one.id : two.id;
    assert.equal((await ask(port)).text, id);
    foreseen = (await api.expect(200, "GET", `${sluice()}/explain`)).next.upstream;
  }
  for (let user = 0; user < 20; user += 1) {
    const { next } = await api.expect(200, "GET", `${sluice()}/explain?key=${user}`);
    assert.equal((await ask(port, `/?user=${user}`)).text, next.upstream === "v1" ? one.id : two.id);
    assert.match(next.reason, /by its key/);
  }
  await api.expect(200, "PATCH", `${serversOf("v1")}/0?force=true`, { down: true });
  const { problems } = await assertShown(shown(0, 100, false));
  assert.deepEqual(problems, []);
  assert.deepEqual((await api.expect(200, "GET", "/api/9/http/upstreams/app")).peers, []);
});

test("a split without an available member is a problem", async (context) => {
  const { api } = await startGateway(context, {
    upstreams: { v1: { servers: [] }, app: { split: { members: [{ upstream: "v1" }] } } },
  });
  const { problems, next } = await api.expect(200, "GET", `${sluice()}/explain`);
  assert.deepEqual(
    problems.map(({ problem }) => problem),
    ["split_unavailable"],
  );
  assert.deepEqual(next, { reason: "no member has an available server" });
  const status = await api.expect(200, "GET", `${sluice()}/status`);
  assert.match(status.problems[0].reason, /no member of the split/);
});
