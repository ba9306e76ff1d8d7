/** Changes made in the dashboard: each sends the smallest request with If-Match, and can be undone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackends } from "../gateway/support/backend.mjs";
import { begin } from "../gateway/support/clients.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { statusOf } from "../gateway/support/overview.mjs";
import { ask, startLoad } from "../gateway/support/load.mjs";
import { serversOf, sluice } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { bearer } from "../gateway/support/access.mjs";
import { openDashboard, rowOf } from "./support/browser.mjs";

/** Chromium's message for each answer that is an error. */
const REFUSED = /the server responded with a status of (400|401|404|409|412)/;

/**
 * Opens the view of an upstream with three servers, the first of which is selected.
 * @param {import("node:test").TestContext} context
 * @param {{ setup?: object, settings?: object, token?: string }} [more]
 */
async function openApp(context, { setup = {}, settings = {}, token } = {}) {
  const backends = await startBackends(context, 3);
  const servers = backends.map(({ address }) => ({ server: address, weight: 2 }));
  const gateway = await startGateway(context, { upstreams: { app: { servers, ...settings } }, setup });
  const { page } = await openDashboard(context, gateway, {
    hash: "#/u/app/s/0",
    allowed: [REFUSED],
    ...(token === undefined ? {} : { token }),
  });
  /** @type {{ method: string, path: string, body: any, ifMatch: string | undefined }[]} */
  const sent = [];
  page.on("request", (request) => {
    if (request.method() === "GET") return;
    const { pathname, search } = new URL(request.url());
    const headers = request.headers();
    sent.push({
      method: request.method(),
      path: pathname + search,
      body: request.postDataJSON() ?? undefined,
      ifMatch: headers["if-match"],
    });
  });
  const panel = page.getByRole("complementary", { name: `Server ${backends[0].address}` });
  await panel.waitFor();
  const { api } = gateway;
  return { gateway, api, page, sent, panel, backends, first: backends[0].address };
}

/** @param {import("../gateway/support/api.mjs").Api} api @param {number} id */
const serverOf = async (api, id) => (await api.get(`${serversOf()}/${id}`)).body;

const etagOf = async (api) => (await api.get(sluice())).headers.etag;

/** What each button sends, and the member that it changes, with its values after it and after an undo. */
const simple = [
  { button: "Take down", key: "s", body: { down: true }, member: "down", after: true, before: false },
  {
    button: "Put on standby",
    key: "t",
    body: { standby: true },
    member: "standby",
    after: true,
    before: undefined,
  },
];

for (const { button, key, body, member, after, before } of simple) {
  test(`"${button}" sends only what it changes, and is undone`, async (context) => {
    const { api, page, sent, panel, first } = await openApp(context);
    const etag = await etagOf(api);
    await panel.getByRole("button", { name: button }).click();
    const dialog = page.getByRole("dialog");
    const request = await dialog.getByRole("region", { name: "Request" }).innerText();
    assert.ok(request.includes(JSON.stringify(body)) && request.includes(`If-Match: ${etag}`), request);
    assert.equal(sent.length, 0, "nothing is sent before it is confirmed");
    await dialog.getByRole("button", { name: button }).click();
    await dialog.waitFor({ state: "detached" });
    assert.deepEqual(sent, [{ method: "PATCH", path: `${serversOf()}/0`, body, ifMatch: etag }]);
    assert.equal((await serverOf(api, 0))[member], after);
    const changed = await etagOf(api);
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("It was undone.").waitFor();
    assert.equal((await serverOf(api, 0))[member], before);
    assert.deepEqual([sent[1].method, sent[1].ifMatch], ["PATCH", changed]);
    await page.getByRole("link", { name: first, exact: true }).focus();
    await page.keyboard.press(key);
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.equal(sent.length, 2, "Escape sends nothing");
  });
}

test("a server that is down is brought up, and a standby server is taken into service", async (context) => {
  const { api, page, sent, panel } = await openApp(context);
  await api.expect(200, "PATCH", `${serversOf()}/0`, { down: true, standby: true });
  await panel.getByRole("button", { name: "Bring up" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Bring up" }).click();
  await panel.getByRole("button", { name: "Take down" }).waitFor();
  await panel.getByRole("button", { name: "Take into service" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Take into service" }).click();
  await panel.getByRole("button", { name: "Put on standby" }).waitFor();
  assert.deepEqual(
    sent.map(({ body }) => body),
    [{ down: false }, { standby: false }],
  );
});

test("a weight is changed, and an edit sends only the fields that differ", async (context) => {
  const { api, page, sent, panel } = await openApp(context);
  await panel.getByRole("button", { name: "Weight" }).click();
  const dialog = page.getByRole("dialog");
  const save = dialog.getByRole("button", { name: "Change it" });
  await dialog.getByLabel("Weight").waitFor();
  assert.ok(await save.isDisabled(), "nothing has changed yet");
  await dialog.getByLabel("Weight").fill("7");
  await save.click();
  await dialog.waitFor({ state: "detached" });
  await panel.getByRole("button", { name: "Edit" }).click();
  await dialog.getByLabel("max_conns").fill("9");
  await dialog.getByLabel("fail_timeout").fill("3s");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "detached" });
  assert.deepEqual(
    sent.map(({ body }) => body),
    [{ weight: 7 }, { max_conns: 9, fail_timeout: "3s" }],
  );
  const { weight, max_conns, fail_timeout } = await serverOf(api, 0);
  assert.deepEqual([weight, max_conns, fail_timeout], [7, 9, "3s"]);
  await panel.getByRole("button", { name: "Edit" }).click();
  await dialog.getByLabel("Weight").fill("0");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog
    .getByRole("alert")
    .getByText(/invalid "weight"/i)
    .waitFor();
  assert.equal((await serverOf(api, 0)).weight, 7);
});

test("a server is added and deleted, and both are undone", async (context) => {
  const { api, page, sent, panel, backends, first } = await openApp(context);
  const dialog = page.getByRole("dialog");
  await page.getByRole("button", { name: "Add a server" }).click();
  await dialog.getByLabel("Address").fill("127.0.0.1:9");
  await dialog.getByRole("button", { name: "Add it" }).click();
  await dialog.waitFor({ state: "detached" });
  assert.deepEqual(sent[0].body, { server: "127.0.0.1:9" });
  await rowOf(page, "127.0.0.1:9").waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await rowOf(page, "127.0.0.1:9").waitFor({ state: "detached" });
  assert.equal((await api.get(serversOf())).body.length, 3);

  await panel.getByRole("button", { name: "Delete" }).click();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await dialog.waitFor({ state: "detached" });
  assert.deepEqual(
    (await api.get(serversOf())).body.map(({ server }) => server),
    backends.slice(1).map(({ address }) => address),
  );
  await page.getByText("was deleted").first().waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await waitFor("the server is back", async () => {
    const { body } = await api.get(serversOf());
    return body.some(({ server, weight }) => server === first && weight === 2);
  });
});

test("a drain shows how many requests remain and until when, and can be ended", async (context) => {
  const { gateway, api, page, sent, panel } = await openApp(context);
  const requests = Array.from({ length: 6 }, () => begin(context, gateway.port, "/?hang=1"));
  await waitFor("requests are in progress", async () => (await statusOf(api)).active === 6);
  const { active } = (await statusOf(api)).servers[0];
  await panel.getByRole("button", { name: "Drain", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("At the latest after").fill("1h");
  await dialog.getByRole("button", { name: "Drain", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  assert.deepEqual([sent[0].method, sent[0].body], ["POST", { deadline: "1h" }]);
  assert.match(sent[0].path, /\/app\/servers\/0\/drain$/);
  await panel.getByText(new RegExp(`removed when ${active} requests? in progress`)).waitFor();
  await panel.getByRole("button", { name: "Stop draining" }).click();
  await dialog.getByRole("button", { name: "Stop draining" }).click();
  await panel.getByRole("button", { name: "Drain", exact: true }).waitFor();
  assert.equal((await serverOf(api, 0)).drain, undefined);

  await panel.getByRole("button", { name: "Drain", exact: true }).click();
  await dialog.getByLabel(/Only drain it/).check();
  await dialog.getByRole("button", { name: "Drain", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  assert.deepEqual(sent.at(-1)?.body, { drain: true });
  for (const { leave } of requests) leave();
});

test("a lost race changes nothing, says so, and shows what is there now", async (context) => {
  const { api, page, panel } = await openApp(context);
  await panel.getByRole("button", { name: "Weight" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Weight").fill("5");
  await api.expect(200, "PATCH", `${serversOf()}/0`, { weight: 11 });
  await dialog.getByRole("button", { name: "Change it" }).click();
  await dialog
    .getByRole("alert")
    .getByText(/Someone else has changed app meanwhile, so nothing was changed/)
    .waitFor();
  assert.equal((await serverOf(api, 0)).weight, 11);
  await dialog.getByRole("cell", { name: "11" }).waitFor();
  await dialog.getByRole("button", { name: "Change it" }).click();
  await dialog.waitFor({ state: "detached" });
  assert.equal((await serverOf(api, 0)).weight, 5);
  await api.expect(200, "PATCH", `${serversOf()}/1`, { weight: 3 });
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText("It could not be undone, because the upstream has changed meanwhile").waitFor();
  assert.equal((await serverOf(api, 0)).weight, 5, "the undo has changed nothing");
});

test("a drain that would leave no server is refused until it is confirmed again", async (context) => {
  const { gateway, api, page, panel } = await openApp(context);
  for (const id of [1, 2]) await api.expect(200, "PATCH", `${serversOf()}/${id}`, { down: true });
  await panel.getByText(/up/).first().waitFor();
  assert.equal((await ask(gateway.port)).status, 200);
  await panel.getByRole("button", { name: "Drain", exact: true }).click();
  const dialog = page.getByRole("dialog");
  startLoad(context, { port: gateway.port, connections: 1, pause: 50 });
  await dialog.getByRole("button", { name: "Drain", exact: true }).click();
  await dialog.getByRole("alert").waitFor();
  assert.equal((await serverOf(api, 0)).drain, undefined);
  await dialog.getByRole("button", { name: "Do it anyway" }).click();
  await dialog.waitFor({ state: "detached" });
  gateway.log.allow(/no live upstreams/);
});

test("without a write token everything is read-only, and a token is asked for once", async (context) => {
  const setup = { api: { read_tokens: ["reader"], write_tokens: ["writer"] } };
  const { gateway, page, panel, sent } = await openApp(context, { setup, token: "reader" });
  await page.getByText("read-only").first().waitFor();
  await panel.getByRole("button", { name: "Take down" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Token").fill("wrong");
  await dialog.getByRole("button", { name: "Use it" }).click();
  await dialog.getByRole("alert").waitFor();
  await dialog.getByLabel("Token").fill("reader");
  await dialog.getByRole("button", { name: "Use it" }).click();
  await dialog
    .getByRole("alert")
    .getByText(/may not write/)
    .waitFor();
  await dialog.getByLabel("Token").fill("writer");
  await dialog.getByRole("button", { name: "Use it" }).click();
  await dialog.getByRole("button", { name: "Take down" }).click();
  await dialog.waitFor({ state: "detached" });
  assert.equal(sent.length, 1);
  const { body } = await gateway.api.get(`${serversOf()}/0`, bearer("reader"));
  assert.equal(body.down, true);
  assert.equal(await page.evaluate(() => sessionStorage.getItem("sluice-token")), "writer");
  assert.equal(await page.evaluate(() => localStorage.length + document.cookie.length), 0);
});

test("a gateway that accepts no changes says so, and offers none", async (context) => {
  const { page, panel } = await openApp(context, { setup: { api: { write: false } } });
  await panel.getByText(/Read-only/).waitFor();
  assert.equal(await panel.getByRole("button", { name: "Take down" }).count(), 0);
  assert.equal(await page.getByRole("button", { name: "Add a server" }).count(), 0);
});

test("a page without a token asks for one before it shows anything", async (context) => {
  const setup = { api: { read_tokens: ["reader"], write_tokens: ["writer"] } };
  const gateway = await startGateway(context, { upstreams: { app: {} }, setup });
  const { page } = await openDashboard(context, gateway, { allowed: [REFUSED] });
  await page.getByText("The gateway wants a token before it shows anything.").waitFor();
  await page.getByLabel("Token").fill("reader");
  await page.getByRole("button", { name: "Use it" }).click();
  await rowOf(page, "app").waitFor();
});
