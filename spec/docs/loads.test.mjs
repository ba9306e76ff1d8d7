/** docs/reference/loads.md */
import assert from "node:assert/strict";
import { SECRET, startReceiver } from "../control/support/receiver.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { differenceOf } from "./support/compare.mjs";
import { testPage } from "./support/page_test.mjs";

/**
 * Makes the gateway call a webhook because three servers have little load, and compares the body with the
 * page.
 * @param {import("./support/scene.mjs").Scene} scene
 * @param {import("./support/pages.mjs").Block} _block
 * @param {string} text
 */
async function compareCall({ context, gateway: { api } }, _block, text) {
  const receiver = await startReceiver(context);
  const webhook = { url: receiver.url, secret: SECRET };
  const autoscale = { high: 0.8, low: 0.3, for: "1s", cooldown: "1s", min: 2, max: 10, webhook };
  const servers = ["10.0.0.5:80", "10.0.0.6:80"].map((server) => ({ server }));
  const path = "/api/sluice/1/upstreams/called";
  await api.expect(201, "PUT", path, { servers, autoscale });
  const node = { server: "10.0.0.7:80", ttl: "60s", report: { utilization: 0.15 } };
  await api.expect(201, "PUT", `${path}/nodes/web-7`, node);
  for (const id of [0, 1])
    await api.expect(204, "POST", `${path}/servers/${id}/report`, { utilization: 0.1 });
  const [call] = await waitFor("the webhook is called", () => receiver.calls.length > 0 && receiver.calls);
  const shown = JSON.parse(text);
  // The page shows another upstream and a longer time.
  const own = { upstream: "called", reason: shown.reason.replace("30 s", "1 s") };
  const difference = differenceOf({ ...shown, ...own }, call.body, { volatile: ["id"] });
  assert.equal(difference, undefined, JSON.stringify(call.body));
  await api.expect(204, "DELETE", `${path}?force=true`);
}

testPage("docs/reference/loads.md", { kinds: { webhook: compareCall } });
