/** examples/gitops/: the steps of the job for CI, run against a gateway. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { root } from "../../scripts/command.mjs";
import { makeFolder } from "../gateway/support/folder.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { serversOf, sluice } from "../gateway/support/upstreams.mjs";

const folder = join(root, "examples/gitops");
const token = "5f1c8a3e0b7d4f6f9a2c";

/**
 * A runner of CI that knows as much of GitHub Actions as the job uses.
 */
class Runner {
  summary = "";
  output = "";

  /** @param {import("node:test").TestContext} context @param {number} apiPort */
  constructor(context, apiPort) {
    this.folder = makeFolder(context, "runner");
    cpSync(join(folder, "upstreams"), join(this.folder, "upstreams"), { recursive: true });
    const { jobs } = parse(readFileSync(join(folder, "workflow.yml"), "utf8"));
    this.steps = jobs.upstreams.steps;
    this.jobEnvironment = jobs.upstreams.env;
    this.values = { "vars.SLUICE_ADDRESS": `http://127.0.0.1:${apiPort}`, "secrets.SLUICE_TOKEN": token };
  }

  /** Replaces `${{ … }}`. @param {Record<string, string>} environment */
  #evaluate(environment = {}) {
    const replace = (text) =>
      text.replace(/\$\{\{ *([\w.]+) *\}\}/g, (_, name) => this.values[name] ?? assert.fail(name));
    return Object.fromEntries(Object.entries(environment).map(([name, text]) => [name, replace(text)]));
  }

  /**
   * Runs the job. Returns the exit status of its last step.
   * @param {"pull_request" | "push"} event
   */
  run(event) {
    const [variables, summary] = [join(this.folder, "env"), join(this.folder, "summary")];
    for (const path of [variables, summary]) writeFileSync(path, "");
    symlinkSync(join(root, "bin/sluice.mjs"), join(this.folder, "sluice"));
    this.output = "";
    let status = 0;
    for (const step of this.steps) {
      if (status !== 0 || step.run === undefined || step.run.startsWith("npm install")) continue;
      if (step.if !== undefined && step.if !== `github.event_name == '${event}'`) continue;
      const lines = readFileSync(variables, "utf8")
        .split("\n")
        .filter((line) => line !== "");
      const environment = {
        PATH: `${this.folder}:${process.env.PATH}`,
        HOME: this.folder,
        RUNNER_TEMP: this.folder,
        GITHUB_ENV: variables,
        GITHUB_STEP_SUMMARY: summary,
        GITHUB_SHA: "0123abcd",
        ...Object.fromEntries(lines.map((line) => line.split("="))),
        ...this.#evaluate(this.jobEnvironment),
        ...this.#evaluate(step.env),
      };
      const done = spawnSync("bash", ["-e", "-o", "pipefail", "-c", step.run], {
        cwd: this.folder,
        env: environment,
        encoding: "utf8",
      });
      this.output += done.stdout + done.stderr;
      status = done.status ?? 1;
    }
    rmSync(join(this.folder, "sluice"));
    this.summary = readFileSync(summary, "utf8");
    assert.ok(!this.output.includes(token), "the token is not shown");
    return status;
  }

  /** @param {string} name @param {(text: string) => string} change */
  edit(name, change) {
    const path = join(this.folder, "upstreams", name);
    writeFileSync(path, change(readFileSync(path, "utf8")));
  }
}

test("the job shows the difference on a pull request, and makes the change on a merge", async (context) => {
  const gateway = await startGateway(context, {
    upstreams: { other: {} },
    setup: { api: { write_tokens: [token] } },
  });
  gateway.log.allow(/connect\(\) failed/);
  const headers = { Authorization: `Bearer ${token}` };
  const read = (path, status = 200) => gateway.api.expect(status, "GET", path, undefined, headers);
  const runner = new Runner(context, gateway.apiPort);

  assert.equal(runner.run("pull_request"), 0, runner.output);
  assert.match(
    runner.summary,
    /```text\napp: created\n[^]*shop: created\n[^]*2 upstreams would be created\n```\n$/,
  );
  await read(sluice("app"), 404);

  assert.equal(runner.run("push"), 0, runner.output);
  assert.match(runner.output, /\n2 upstreams created \(revision \d+\)\n/);
  assert.equal((await read(serversOf("app"))).length, 3);
  assert.equal((await read(sluice("shop"))).owner, "gitops");
  assert.equal(runner.run("pull_request"), 0);
  assert.match(runner.summary, /the gateway equals the files/);

  runner.edit("app.yaml", (text) => text.replace("127.0.0.1:9002", "127.0.0.1:9004"));
  rmSync(join(runner.folder, "upstreams/shop"), { recursive: true });
  assert.equal(runner.run("pull_request"), 0);
  assert.match(runner.summary, / {2}- 127\.0\.0\.1:9002\n {2}\+ 127\.0\.0\.1:9004\n[^]*shop: deleted\n/);
  assert.equal(runner.run("push"), 0, runner.output);
  await read(sluice("shop"), 404);
  await read(sluice("other"));
});

test("the job fails on a wrong file and on an empty folder, and nothing is changed", async (context) => {
  const gateway = await startGateway(context, { setup: { api: { write_tokens: [token] } } });
  gateway.log.allow(/connect\(\) failed/);
  const headers = { Authorization: `Bearer ${token}` };
  const read = () => gateway.api.expect(200, "GET", serversOf("app"), undefined, headers);
  const runner = new Runner(context, gateway.apiPort);
  assert.equal(runner.run("push"), 0, runner.output);

  runner.edit("app.yaml", (text) => text.replace("least_conn", "best"));
  assert.equal(runner.run("pull_request"), 1);
  assert.match(runner.output, /upstreams\/app\.yaml:4: app: invalid "method"/);

  rmSync(join(runner.folder, "upstreams"), { recursive: true });
  mkdirSync(join(runner.folder, "upstreams"));
  assert.equal(runner.run("push"), 1);
  assert.match(runner.output, /upstreams: has no file/);
  assert.equal((await read()).length, 3);
});
