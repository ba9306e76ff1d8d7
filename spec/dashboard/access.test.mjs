/** The dashboard with tokens that permit only a part. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertErrorBody } from "../gateway/support/error_body.mjs";
import { as, entry, secretOf, startWithTokens } from "../gateway/support/tokens.mjs";
import { serversOf } from "../gateway/support/upstreams.mjs";
import { openDashboard, rowOf } from "./support/browser.mjs";

const upstreams = {
  app: { servers: [{ server: "127.0.0.1:9" }, { server: "127.0.0.2:9" }] },
  other: { servers: [{ server: "127.0.0.3:9" }] },
};
const tokens = [
  entry("operator", "operate", { upstreams: ["app"] }),
  entry("node", "report"),
  entry("reader", "read", { upstreams: ["app"] }),
];
/** Chromium's message for each answer that is an error. */
const REFUSED = /the server responded with a status of (401|403)/;

test("a token with the role operate takes servers down, and is offered no other changes", async (context) => {
  const gateway = await startWithTokens(context, tokens, { upstreams });
  const { page } = await openDashboard(context, gateway, {
    hash: "#/u/app/s/0",
    token: secretOf("operator"),
  });
  const panel = page.getByRole("complementary", { name: "Server 127.0.0.1:9" });
  await panel.getByRole("button", { name: "Take down" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Take down" }).click();
  await dialog.waitFor({ state: "detached" });
  assert.equal((await gateway.api.get(`${serversOf()}/0`, as("operator"))).body.down, true);
  assert.equal(await panel.getByRole("button", { name: /^(Edit|Delete)$/ }).count(), 0);
  assert.equal(await page.getByRole("button", { name: "Add a server" }).count(), 0);
  await page.keyboard.press("x");
  await page.getByText('This needs a token with the role "write".').waitFor();
});

test("a token for some upstreams shows these, and others do not exist for it", async (context) => {
  const gateway = await startWithTokens(context, tokens, { upstreams });
  const { page } = await openDashboard(context, gateway, { token: secretOf("reader"), allowed: [REFUSED] });
  await rowOf(page, "app").waitFor();
  assert.equal(await rowOf(page, "other").count(), 0);
  await page.evaluate(() => (location.hash = "#/u/other"));
  await page
    .getByText(/no upstream|does not exist/i)
    .first()
    .waitFor();
  assertErrorBody(
    await gateway.api.get("/api/sluice/1/upstreams/other", as("reader")),
    403,
    "UpstreamNotAllowed",
  );
});

test("a token without the role read is refused with the reason", async (context) => {
  const gateway = await startWithTokens(context, tokens, { upstreams });
  const { page } = await openDashboard(context, gateway, { allowed: [REFUSED] });
  await page.getByLabel("Token").fill(secretOf("node"));
  await page.getByRole("button", { name: "Use it" }).click();
  await page
    .getByRole("alert")
    .getByText(/needs the role "read"/)
    .waitFor();
});
