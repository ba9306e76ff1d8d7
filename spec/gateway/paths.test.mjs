/** Relative paths in the configuration are relative to nginx's prefix, as in nginx.conf. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assertErrorBody } from "./support/error_body.mjs";
import { startGateway, makeGateway } from "./support/gateway.mjs";
import { assertOneClearLine } from "./support/start_error.mjs";
import { signal } from "./support/processes.mjs";
import { assertKept, serversOf, sluice } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

test("a relative state_dir and a relative token file are below nginx's prefix", async (context) => {
  const setup = { api: { write_tokens_file: "tokens" } };
  const gateway = await makeGateway(context, { servers: ["127.0.0.1:9"], stateDir: "kept/state", setup });
  writeFileSync(join(gateway.folder, "tokens"), "open-sesame\n");
  await assert.rejects(gateway.start(), "the parent of state_dir is not created");
  gateway.log.allow(/could not make .*\/kept\/state: /);
  gateway.configure({ stateDir: "state" });
  await gateway.start();
  gateway.api.headers = { Authorization: "Bearer open-sesame" };
  await gateway.api.expect(201, "POST", serversOf(), { server: "127.0.0.2:9" });
  assert.ok(existsSync(join(gateway.folder, "state", "journal.0")));
  await assertKept(gateway);
});

test("a reload that changes the shared dict, or another nginx on the same state_dir, is refused with the reason", async (context) => {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"] });
  const before = gateway.workers();
  gateway.configure({ dict: "9m" });
  gateway.log.allow(/lua_shared_dict/);
  signal(gateway.master, "SIGHUP");
  await waitFor("the reload is refused", () => /lua_shared_dict/.test(gateway.log.text()));
  assertOneClearLine(
    gateway.log.text().split("\n"),
    /could not take .*state: this nginx uses it already.*cannot be changed by a reload: restart nginx/,
  );
  assert.deepEqual(gateway.workers(), before);
  await gateway.api.expect(201, "POST", serversOf(), { server: "127.0.0.2:9" });

  const second = await makeGateway(context, { stateDir: join(gateway.folder, "state") });
  const { complaint } = await second.startInVain();
  second.log.allow(/could not take/);
  assert.match(complaint, /could not take .*state: another nginx uses it/);
  assert.doesNotMatch(complaint, /lua_shared_dict/);
  assert.ok(readFileSync(join(gateway.folder, "state", "journal.0"), "utf8").includes("127.0.0.2:9"));
});

test("an error on a path of Sluice links to this gateway's description, and any other error to NGINX's description", async (context) => {
  const { api, apiPort } = await startGateway(context, { servers: [] });
  const own = `http://127.0.0.1:${apiPort}/api/sluice/1/openapi.json`;
  const nginx = "https://nginx.org/en/docs/http/ngx_http_api_module.html";
  for (const [path, status, code, href] of [
    [sluice("none"), 404, "UpstreamNotFound", own],
    ["/api/sluice/1/nothing?x=/api/9/", 404, "PathNotFound", own],
    [serversOf("none"), 404, "UpstreamNotFound", nginx],
    ["/api/9/http/upstreams/none?a=/sluice/1/", 404, "UpstreamNotFound", nginx],
    ["/api/sluice/2/upstreams", 404, "UnknownVersion", nginx],
  ]) {
    const answer = await api.send("GET", path, undefined, { Host: `127.0.0.1:${apiPort}` });
    assertErrorBody(answer, status, code);
    assert.equal(answer.body.href, href, path);
  }
  assert.equal((await api.expect(200, "GET", new URL(own).pathname)).info.title, "Sluice");
});
