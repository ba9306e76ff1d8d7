/** Tests the gateway's image: its start, its variables and files, and its end. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { root } from "../../scripts/command.mjs";
import { replaceIn } from "../examples/support/files.mjs";
import { Api } from "../gateway/support/api.mjs";
import { startBackends } from "../gateway/support/backend.mjs";
import { ask } from "../gateway/support/load.mjs";
import { membersOf } from "../gateway/support/processes.mjs";
import { serversOf } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { containerTest, fileWith, startImage, startInVain } from "./support/image.mjs";

/**
 * Asserts that a container refused to start with exactly one line.
 * @param {{ code: number, output: string }} ending
 * @param {RegExp} line
 */
function assertRefused({ code, output }, line) {
  const lines = output
    .trim()
    .split("\n")
    .filter((text) => !text.startsWith("sluice: made a token"));
  assert.notEqual(code, 0);
  // A traceback follows an error of Lua.
  const own = lines.filter((text) => !/^(stack traceback:|\t)/.test(text));
  assert.equal(own.length, 1, output);
  assert.match(own[0], line);
}

containerTest(
  "the image runs without root and without configuration, and a server can be added",
  async (context) => {
    const [backend] = await startBackends(context, 1);
    const gateway = await startImage(context);
    const master = Number(await gateway.container.pid());
    const pids = membersOf(master);
    assert.equal(pids.length, 3, "a master and two workers");
    for (const pid of pids) {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      assert.match(status, /^Uid:\t10001\t10001\t10001\t10001$/m);
      assert.match(status, /^CapEff:\t0+$/m);
    }
    assert.equal((await ask(gateway.port)).status, 502, "there is no server yet");
    const api = await gateway.api();
    await api.expect(201, "POST", serversOf(), { server: backend.address });
    assert.equal((await ask(gateway.port)).text, backend.id);
    assert.match(
      gateway.container.output,
      /^sluice: made a token for the API: docker exec <container> cat \S+write_token$/m,
    );
    const { stdout: token } = await gateway.run("cat", "/var/lib/sluice/write_token");
    assert.match(token, /^[0-9a-f]{64}$/);
    assert.ok(!gateway.container.output.includes(token));
    const without = await new Api({ port: gateway.apiPort }).post(serversOf(), { server: "127.0.0.1:1" });
    assert.equal(without.status, 401);
  },
);

containerTest("the image stops within two seconds and answers its requests in flight", async (context) => {
  const [backend] = await startBackends(context, 1);
  const gateway = await startImage(context);
  await (await gateway.api()).expect(201, "POST", serversOf(), { server: backend.address });
  const answers = Array.from({ length: 20 }, () => ask(gateway.port, "/?delay=700"));
  await waitFor("all requests are in flight", () => backend.active === 20);
  const time = await gateway.stop();
  assert.ok(time < 2000, `the stop took ${time} ms`);
  for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
  assert.equal(await gateway.container.ended(), 0);
});

containerTest("a restart of the container keeps its servers and its token", async (context) => {
  const [backend] = await startBackends(context, 1);
  const gateway = await startImage(context);
  const api = await gateway.api();
  await api.expect(201, "POST", serversOf(), { server: backend.address, weight: 7 });
  const before = await api.expect(200, "GET", serversOf());
  await gateway.container.restart();
  await gateway.serves();
  assert.deepEqual(await api.expect(200, "GET", serversOf()), before);
  assert.equal((await ask(gateway.port)).text, backend.id);
});

containerTest("the file system of the container can be read-only", async (context) => {
  const [backend] = await startBackends(context, 1);
  const readOnly = { ReadonlyRootfs: true, CapDrop: ["ALL"], SecurityOpt: ["no-new-privileges"] };
  const gateway = await startImage(context, { hostConfig: { ...readOnly, Tmpfs: { "/tmp": "" } } });
  assert.notEqual((await gateway.run("touch", "/opt/sluice/x")).exitCode, 0);
  await (await gateway.api()).expect(201, "POST", serversOf(), { server: backend.address });
  // nginx writes a body of this size to a temporary file.
  const body = "x".repeat(900_000);
  assert.equal((await ask(gateway.port, "/", { method: "POST", body })).status, 200);
  assertRefused(
    await startInVain(context, { hostConfig: readOnly }),
    /^sluice: could not write to \/tmp: a read-only file system needs --tmpfs \/tmp$/,
  );
});

containerTest("a wrong configuration stops the container with one clear message", async (context) => {
  const path = "/usr/local/openresty/nginx/conf/nginx.conf";
  const mount = (text) => ({ files: { [path]: fileWith(context, text) } });
  assertRefused(
    await startInVain(context, mount("events {}\nhttp {\n  upstrem app {}\n}\n")),
    /\[emerg\].*unknown directive "upstrem" in \/tmp\/sluice\/nginx\.conf:3$/,
  );
  const lua = `events {}
    http { lua_shared_dict sluice 8m; init_by_lua_block { require("resty.sluice").setup({ stat_dir = "/x" }) } }`;
  assertRefused(await startInVain(context, mount(lua)), /resty\.sluice: unknown parameter "stat_dir"/);
  const upstreams = {
    files: { "/etc/sluice/upstreams.json": fileWith(context, '{"app":{"servers":[{"server":"x y"}]}}') },
  };
  assertRefused(await startInVain(context, upstreams), /upstreams\.app: servers\[0\].*"server"/);
  const noJson = { files: { "/etc/sluice/upstreams.json": fileWith(context, "{") } };
  assertRefused(await startInVain(context, noJson), /\/etc\/sluice\/upstreams\.json is not JSON/);
});

containerTest("a user's configuration can include the files beside it", async (context) => {
  const path = "/usr/local/openresty/nginx/conf";
  const its = readFileSync(join(root, "docker", "nginx.conf"), "utf8");
  const mine = replaceIn(its, "docker/nginx.conf", [["http {", "http {\n  include mine.conf;"]]);
  const files = {
    [`${path}/nginx.conf`]: fileWith(context, mine),
    [`${path}/mine.conf`]: fileWith(context, "add_header X-Mine yes always;"),
  };
  const gateway = await startImage(context, { files });
  assert.equal((await ask(gateway.port)).headers["x-mine"], "yes");
});

containerTest("a wrong variable stops the container with one clear message", async (context) => {
  const wrong = {
    SLUICE_PORT: ["0", "65536", "80; }", "", "8080x"],
    SLUICE_API_PORT: ["-1"],
    SLUICE_WORKERS: ["0", "many", "1;"],
    SLUICE_STATE_DIR: ["state", "/a b", '/"', "/x|y"],
    SLUICE_API_HOSTS: ["gateway;", '"'],
    SLUICE_AUDIT_LOG: ["audit.log", '/"'],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      const { code, output } = await startInVain(context, { environment: { [name]: value } });
      assert.equal(code, 1, `${name}=${value}: ${output}`);
      assert.ok(output.startsWith(`sluice: invalid ${name}=${value}: must be `), output);
    }
  }
  for (const name of ["SLUICE_TOKENS_FILE", "SLUICE_WRITE_TOKENS_FILE", "SLUICE_READ_TOKENS_FILE"]) {
    assertRefused(
      await startInVain(context, { environment: { [name]: "the-token-itself" } }),
      new RegExp(`^sluice: invalid ${name}: must be the absolute path of a file with tokens$`),
    );
  }
  const same = { environment: { SLUICE_PORT: "8080", SLUICE_API_PORT: "8080" } };
  assertRefused(
    await startInVain(context, same),
    /^sluice: invalid SLUICE_API_PORT=8080: must differ from SLUICE_PORT$/,
  );
  const missing = { environment: { SLUICE_WRITE_TOKENS_FILE: "/run/secrets/none" } };
  assertRefused(
    await startInVain(context, missing),
    /"api\.write_tokens_file": could not read it: \/run\/secrets\/none/,
  );
  const forbidden = { environment: { SLUICE_STATE_DIR: "/root" } };
  assertRefused(
    await startInVain(context, forbidden),
    /^sluice: could not write \/root\/write_token: user 10001 must be allowed to write to \/root$/,
  );
});

containerTest(
  "variables set the ports, the workers, the tokens, the state folder and the hosts of the API",
  async (context) => {
    const environment = {
      SLUICE_WORKERS: "3",
      SLUICE_STATE_DIR: "/tmp/elsewhere",
      SLUICE_WRITE_TOKENS_FILE: "/run/secrets/write",
      SLUICE_READ_TOKENS_FILE: "/run/secrets/read",
      SLUICE_API_HOSTS: "gateway gateway.example",
    };
    const files = {
      "/run/secrets/write": fileWith(context, "writer\n"),
      "/run/secrets/read": fileWith(context, "reader\n"),
    };
    const gateway = await startImage(context, { environment, files });
    const bearer = (token) => ({ Authorization: `Bearer ${token}` });
    const api = new Api({ port: gateway.apiPort });
    await waitFor("three workers run", async () => {
      return (await api.get("/api/9/workers", bearer("reader"))).body.length === 3;
    });
    assert.equal((await api.get("/api/9/workers")).status, 401);
    const server = { server: "127.0.0.1:9" };
    assert.equal((await api.post(serversOf(), server, bearer("reader"))).status, 403);
    assert.equal(
      (await api.post(serversOf(), server, { ...bearer("writer"), Host: "gateway.example" })).status,
      201,
    );
    const other = await api.post(serversOf(), server, { ...bearer("writer"), Host: "other.example" });
    assert.equal(other.body.error.code, "HostNotAllowed");
    assert.match((await gateway.run("ls", "/tmp/elsewhere")).stdout, /journal\.0/);
    assert.equal(
      (await gateway.run("cat", "/var/lib/sluice/write_token")).exitCode,
      1,
      "the entrypoint makes no token",
    );
  },
);

containerTest("the health check of the image asks the API", async (context) => {
  const gateway = await startImage(context, { environment: { SLUICE_WORKERS: "1" } });
  const { Config } = await gateway.container.handle.inspect();
  assert.equal(Config.StopSignal, "SIGQUIT");
  const [kind, ...command] = Config.Healthcheck.Test;
  assert.equal(kind, "CMD");
  assert.deepEqual(await gateway.run(...command), { exitCode: 0, stdout: "", stderr: "" });
  const [, worker] = membersOf(Number(await gateway.container.pid()));
  process.kill(worker, "SIGSTOP");
  const hanging = await gateway.run(...command);
  process.kill(worker, "SIGCONT");
  assert.equal(hanging.exitCode, 1);
  assert.match(hanging.stderr, /^the API at 127\.0\.0\.1:\d+ does not answer$/m);
  await waitFor("the image is healthy again", async () => (await gateway.run(...command)).exitCode === 0);
  await waitFor(
    "Docker reports the image as healthy",
    async () => {
      const { State } = await gateway.container.handle.inspect();
      await sleep(500);
      return State.Health?.Status === "healthy";
    },
    20_000,
  );
});

containerTest("the image runs another program unchanged", async (context) => {
  const ending = await startInVain(context, { command: ["sh", "-c", "echo $SLUICE_PORT; exit 3"] });
  assert.equal(ending.code, 3);
  assert.match(ending.output, /^\d+\n$/);
});
