/** Tests of what the command does only in a terminal: it asks, hides, colours and rewrites a line. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { startBackend } from "../gateway/support/backend.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { ask } from "../gateway/support/load.mjs";
import { serversOf } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { User, userOf } from "./support/command.mjs";

const only = "127.0.0.1:9001";

for (const [keys, removes] of [
  ["y\r", true],
  ["yes\r", true],
  ["\r", false],
  ["n\r", false],
  ["\u0004", false],
  ["\u0003", false],
]) {
  const answer = JSON.stringify(keys);
  test(`rm of the last server asks; ${answer} ${removes ? "removes it" : "changes nothing"}`, async (context) => {
    const gateway = await startGateway(context, { servers: [only] });
    const user = userOf(context, gateway);
    const asking = user.startInTerminal("rm", "app", only);
    await asking.shows(/is the only server of "app" that is up\. Remove it\? \[y\/N\] /);
    assert.equal((await gateway.api.expect(200, "GET", serversOf())).length, 1);
    asking.type(keys);
    assert.equal(await asking.ended, removes ? 0 : 1);
    assert.match(asking.output, removes ? /app: removed/ : /sluice: nothing was changed/);
    assert.equal((await gateway.api.expect(200, "GET", serversOf())).length, removes ? 0 : 1);
  });
}

test("drain --wait shows the requests in progress in one line that it rewrites", async (context) => {
  const gateway = await startGateway(context, { upstreams: { app: {} } });
  const user = userOf(context, gateway);
  const [busy, other] = [await startBackend(context), await startBackend(context)];
  await user.sluice("add", "app", busy.address);
  const requests = [ask(gateway.port, "/?hold=1"), ask(gateway.port, "/?hold=1")];
  await waitFor("two requests are in progress", () => busy.active === 2);
  await user.sluice("add", "app", other.address);
  const draining = user.startInTerminal("drain", "app", busy.address, "--wait");
  const rewrite = "\r\u001b\\[K";
  await draining.shows(new RegExp(`${rewrite}[^\n]*2 requests in progress$`));
  busy.release();
  await Promise.all(requests);
  assert.equal(await draining.ended, 0);
  assert.match(draining.output, new RegExp(`${rewrite}app: \\S+ is idle\r\n$`));
});

test("token hash asks for the token without showing it, and prints its SHA-256", async (context) => {
  const user = new User(context);
  const token = "5f1c8a3e0b7d4f6f9a2c";
  const hash = createHash("sha256").update(token).digest("hex");
  const asking = user.startInTerminal("token", "hash");
  await asking.shows(/Token: $/);
  asking.type(`${token}\r`);
  assert.equal(await asking.ended, 0);
  assert.match(asking.output, new RegExp(`\n${hash}\r\n$`));
  assert.ok(!asking.output.includes(token), "the terminal does not show the token");

  const file = user.write("token", `${token}\n`);
  assert.equal(await user.sluice("token", "hash", file), `${hash}\n`);
  const { stdout } = await user.run(["token", "hash"], `${token}\n`);
  assert.equal(stdout, `${hash}\n`);
  const { status, stderr } = await user.run(["token", "hash"], "two words\n");
  assert.deepEqual([status, stderr.includes("two")], [1, false]);
});
