/**
 * Runs examples/systemd/ under a real systemd, which a container boots. The unit is unchanged, with all its
 * hardening.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/command.mjs";
import { BASE_IMAGE } from "../../scripts/docker/base_image.mjs";
import { hasImage } from "../../scripts/docker/engine.mjs";
import { replaceIn } from "../examples/support/files.mjs";
import { Api } from "../gateway/support/api.mjs";
import { startBackends } from "../gateway/support/backend.mjs";
import { atEnd } from "../gateway/support/cleanup.mjs";
import { StartedContainer } from "../gateway/support/drivers/test_container.mjs";
import { makeFolder } from "../gateway/support/folder.mjs";
import { ask, startLoad } from "../gateway/support/load.mjs";
import { freePort } from "../gateway/support/ports.mjs";
import { serversOf } from "../gateway/support/upstreams.mjs";
import { waitFor } from "../gateway/support/wait.mjs";
import { containerTest } from "./support/image.mjs";

const example = join(root, "examples", "systemd");

/** The rights that systemd needs to boot and to isolate services. A privileged container is not necessary. */
const hostConfig = {
  CapAdd: ["SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE"],
  SecurityOpt: ["seccomp=unconfined", "apparmor=unconfined"],
  MaskedPaths: [],
  ReadonlyPaths: [],
  Tmpfs: { "/run": "", "/run/lock": "", "/tmp": "" },
};

/** Returns the reason why systemd cannot be booted here; undefined if there is none. */
function systemdProblem() {
  if (!hasImage(BASE_IMAGE)) return `systemd is in ${BASE_IMAGE} only, which the Docker engine does not have`;
  return existsSync("/sys/fs/cgroup/systemd") ? undefined : "booting systemd was only tried with cgroups v1";
}

/**
 * Boots systemd with the example installed. Its servers are backends of the test.
 * @param {import("node:test").TestContext} context
 */
async function boot(context) {
  const backends = await startBackends(context, 2);
  const [port, apiPort] = [await freePort(), await freePort()];
  const conf = join(makeFolder(context, "systemd"), "nginx.conf");
  const text = replaceIn(readFileSync(join(example, "nginx.conf"), "utf8"), "nginx.conf", [
    ["127.0.0.1:8080", `127.0.0.1:${port}`],
    ["127.0.0.1:8081", `127.0.0.1:${apiPort}`],
    ["127.0.0.1:9001", backends[0].address],
    ["127.0.0.1:9002", backends[1].address],
  ]);
  writeFileSync(conf, text);
  const files = {
    "/etc/sluice/nginx.conf": conf,
    "/etc/systemd/system/sluice.service": join(example, "sluice.service"),
    // Debian's own nginx would take port 80.
    "/etc/systemd/system/nginx.service": "/dev/null",
    "/usr/local/share/lua/5.1/resty": join(root, "dist", "resty"),
    "/sys/fs/cgroup": "/sys/fs/cgroup",
  };
  const container = await StartedContainer.start(BASE_IMAGE, (settings) => {
    settings.withCommand(["/lib/systemd/systemd"]).withEnvironment({ container: "docker" });
    settings.withNetworkMode("host").withHostConfig(hostConfig);
    settings.withBindMounts(
      Object.entries(files).map(([target, source]) => ({ source, target, mode: "ro" })),
    );
  });
  atEnd(context, () => container.remove());
  const run = async (...command) => container.container.exec(command);
  await waitFor("systemd is up", async () => {
    const { stdout } = await run("systemctl", "is-system-running");
    return /^(running|degraded)$/.test(stdout.trim());
  });
  const journal = async () => (await run("journalctl", "--output=cat", "--unit=sluice")).output;
  /** Runs systemctl for the service, and asserts its exit status. */
  const systemctl = async (action, status = 0) => {
    const { exitCode, output } = await run("systemctl", action, "sluice");
    assert.equal(exitCode, status, `systemctl ${action}: ${output}\n${await journal()}`);
  };
  const change = (from, to) =>
    writeFileSync(conf, replaceIn(readFileSync(conf, "utf8"), "nginx.conf", [[from, to]]));
  return { backends, port, api: new Api({ port: apiPort }), run, systemctl, journal, change };
}

containerTest(
  "under systemd the gateway starts, reloads under load, finishes its requests, and restores its state",
  async (context) => {
    const { backends, port, api, run, systemctl, journal } = await boot(context);
    await systemctl("start");
    await waitFor("the gateway serves", () => api.isThere());
    const load = startLoad(context, { port, keepAlive: false, connections: 8 });
    await load.round();
    await systemctl("reload");
    await load.round();
    await load.stop();
    assert.deepEqual([...load.errors], []);

    const added = (await startBackends(context, 1))[0];
    await api.expect(201, "POST", serversOf(), { server: added.address });
    const held = Array.from({ length: 12 }, () => ask(port, "/?delay=1000"));
    const active = () => [...backends, added].reduce((sum, backend) => sum + backend.active, 0);
    await waitFor("all requests are in flight", () => active() === 12);
    await systemctl("restart");
    for (const { status } of await Promise.all(held)) assert.equal(status, 200);
    await waitFor("the gateway serves", () => api.isThere());
    assert.equal((await api.expect(200, "GET", serversOf())).length, 3);

    const { stdout: before } = await run("systemctl", "show", "--property=MainPID", "--value", "sluice");
    await run("systemctl", "kill", "--signal=KILL", "sluice");
    await waitFor("systemd starts the gateway again", async () => {
      const { stdout: now } = await run("systemctl", "show", "--property=MainPID", "--value", "sluice");
      return !["0", before.trim()].includes(now.trim()) && (await api.isThere());
    });
    assert.equal((await api.expect(200, "GET", serversOf())).length, 3);
    await systemctl("stop");
    assert.doesNotMatch(await journal(), /\[(error|crit|emerg)\]/);
  },
  systemdProblem,
);

containerTest(
  "under systemd a mistake fails the start or the reload, with the reason in the journal",
  async (context) => {
    const { port, systemctl, journal, change } = await boot(context);
    change("state_dir =", "state_dri =");
    await systemctl("start", 1);
    assert.match(await journal(), /unknown parameter "state_dri"/);
    change("state_dri =", "state_dir =");
    await systemctl("start");
    change(`listen 127.0.0.1:${port}`, `listne 127.0.0.1:${port}`);
    await systemctl("reload", 1);
    assert.match(await journal(), /unknown directive "listne"/);
    assert.equal((await ask(port)).status, 200);
  },
  systemdProblem,
);
