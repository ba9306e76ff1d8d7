/** The audit log at an output of nginx, which a container engine collects. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, constants, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ProcessDriver } from "./support/drivers/process.mjs";
import { makeFolder } from "./support/folder.mjs";
import { makeGateway } from "./support/gateway.mjs";
import { atEnd } from "./support/cleanup.mjs";
import { assertRefusesToStart } from "./support/start_error.mjs";
import { serversOf } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

const servers = ["127.0.0.1:9"];
const setup = { api: { audit_log: "/dev/stdout" } };

/**
 * Makes a gateway whose stdout is a file. `/dev/null`: as after the start of a daemon.
 * @param {import("node:test").TestContext} context
 * @param {number | "ignore"} stdout
 */
const makeWith = (context, stdout) => makeGateway(context, { servers, setup }, new ProcessDriver({}, stdout));

/** Opens a pipe. @param {import("node:test").TestContext} context */
function openPipe(context) {
  const path = join(makeFolder(context, "pipe"), "stdout");
  assert.equal(spawnSync("mkfifo", ["-m", "666", path]).status, 0);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY);
  atEnd(context, () => [reader, writer].forEach((fd) => closeSync(fd)));
  const buffer = Buffer.alloc(1 << 20);
  const read = () => {
    try {
      return buffer.toString("utf8", 0, readSync(reader, buffer));
    } catch (cause) {
      assert.equal(cause.code, "EAGAIN");
      return "";
    }
  };
  return { writer, read };
}

test("lines go to stdout, also after a reload", async (context) => {
  const { writer, read } = openPipe(context);
  const gateway = await makeWith(context, writer);
  await gateway.start();
  const change = (weight) => gateway.api.expect(200, "PATCH", `${serversOf()}/0`, { weight });
  await change(2);
  await gateway.reload();
  await change(3);
  const lines = read().trim().split("\n");
  assert.deepEqual(
    lines.map((line) => [JSON.parse(line).method, JSON.parse(line).status]),
    [
      ["PATCH", 200],
      ["PATCH", 200],
    ],
  );
});

test("while the reader of stdout is too slow, lines are lost with one warning, and no request waits", async (context) => {
  const { writer, read } = openPipe(context);
  const gateway = await makeWith(context, writer);
  await gateway.start();
  const { api } = gateway;
  const refuse = () => api.patch(`${serversOf()}/0?server=${"x".repeat(250)}`, { weight: 0 });
  const isFailing = async () =>
    (await api.get("/api/sluice/1/status")).body.problems.some(
      ({ problem }) => problem === "audit_log_failing",
    );
  await waitFor("the pipe is full", async () => {
    assert.equal((await refuse()).status, 400);
    return isFailing();
  });
  for (let number = 0; number < 5; number += 1) assert.equal((await refuse()).status, 400);
  assert.equal(gateway.log.text().match(/api\.audit_log cannot be written: \/dev\/stdout: /g)?.length, 1);
  read();
  await waitFor("lines are written again", async () => {
    await refuse();
    return !(await isFailing());
  });
  const last = read().trim().split("\n").at(-1);
  assert.equal(JSON.parse(last).status, 400);
});

test("an output that leads to /dev/null or to a file stops the start", async (context) => {
  const nowhere = await makeWith(context, "ignore");
  await assertRefusesToStart(
    nowhere,
    /could not open \/dev\/stdout: it leads to \/dev\/null, as it does when/,
  );
  const file = openSync(join(makeFolder(context, "output"), "stdout"), "w");
  atEnd(context, () => closeSync(file));
  const gateway = await makeWith(context, file);
  await assertRefusesToStart(gateway, /could not open \/dev\/stdout: it leads to a regular file: name that/);
});
