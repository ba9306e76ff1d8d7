/**
 * Fuzzes each target for some seconds: in plain LuaJIT what parses foreign bytes, and in a real gateway the
 * API. The seed differs in each run; SLUICE_TEST_SEED repeats one.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { root } from "../../scripts/command.mjs";
import { fuzzApi } from "./api.mjs";

const {
  SLUICE_FUZZ_TARGET: chosen = "",
  SLUICE_FUZZ_SECONDS: seconds = "5",
  SLUICE_FUZZ_KEEP: keep,
  SLUICE_TEST_SEED: seed = String(Date.now() % 2 ** 31),
} = process.env;

const targets = readdirSync(join(root, "spec/fuzz/targets")).map((name) => name.replace(".lua", ""));

/** Faults by target; see faults.lua. */
const faults = {
  any_number: "reports",
  dns_loop: "dns",
  endless_table: "http2",
  from_the_start: "json",
  missing_lines: "journal",
  split_line: "http1",
};

/** Runs a target in LuaJIT. @param {string[]} args @param {Record<string, string>} [environment] */
async function run(args, environment = {}) {
  const child = spawn("luajit", ["spec/fuzz/main.lua", ...args], {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const status = new Promise((resolve) => child.on("close", resolve));
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { status: await status, output: output + errors };
}

for (const target of targets.filter((name) => chosen === "" || chosen === name))
  test(`no input makes a parser fail: ${target}`, async (context) => {
    const { status, output } = await run([target, seconds, seed, ...(keep === undefined ? [] : ["keep"])]);
    assert.equal(status, 0, output);
    context.diagnostic(output.trim());
  });

if (chosen === "" || chosen === "api")
  test("no request makes the API fail", (context) =>
    fuzzApi(context, { seconds: Number(seconds), seed: Number(seed), keeps: keep !== undefined }));

if (chosen === "")
  for (const [fault, target] of Object.entries(faults))
    test(`fuzzing finds a fault that is put into the code: ${fault}`, async () => {
      const { status, output } = await run([target, "60", "1"], { SLUICE_FUZZ_FAULT: fault });
      assert.equal(status, 1, output);
      assert.match(output, new RegExp(`^${target}: seed 1, run \\d+: `));
      assert.match(output, /^the input of \d+ bytes: /m);
    });

/** Lua that lets a request with a time raise an error. */
const fault = {
  lua: `
    local time = require("resty.sluice.config.time")
    local parse_time = time.parse_time
    time.parse_time = function(text)
      if ngx.get_phase() == "content" then error("a fault") end
      return parse_time(text)
    end`,
  logged: /a fault/,
  shownBy: {
    method: "PUT",
    path: "/api/sluice/1/upstreams/other",
    body: JSON.stringify({ servers: [{ server: "127.0.0.1:81", fail_timeout: "1m" }] }),
  },
};

if (chosen === "")
  test("a fault that is put into the API is noticed, and the request is saved", async (context) => {
    const before = process.exitCode;
    await assert.rejects(
      fuzzApi(context, { seconds: 60, seed: 1, fault }),
      /seed: 1[^]*Counterexample[^]*the smallest failing request is in/,
    );
    process.exitCode = before;
  });
