/** Tests the entrypoint of the image without the image: it reports every problem in one clear message. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../scripts/command.mjs";
import { makeFolder } from "../gateway/support/folder.mjs";

/** The paths of the image in the script. The test moves each below a temporary folder. */
const places = ["/tmp/sluice", "/usr/local/openresty"];

/**
 * Creates the file system that the script needs. Returns a function that runs the script there, with `true`
 * instead of nginx.
 * @param {import("node:test").TestContext} context
 */
function install(context) {
  const folder = makeFolder(context, "entrypoint");
  let script = readFileSync(join(root, "docker", "entrypoint.sh"), "utf8");
  for (const place of places) script = script.replaceAll(place, `${folder}${place}`);
  const conf = join(folder, "usr/local/openresty/nginx/conf");
  mkdirSync(conf, { recursive: true });
  mkdirSync(join(folder, "tmp"));
  writeFileSync(join(conf, "nginx.conf"), "listen ${SLUICE_PORT}; # ${SLUICE_WRITE_TOKENS_FILE}\n");
  writeFileSync(join(conf, "mime.types"), "");
  writeFileSync(join(folder, "entrypoint.sh"), script);
  symlinkSync("/bin/true", join(folder, "nginx"));
  const state = join(folder, "state");
  const environment = {
    PATH: process.env.PATH,
    SLUICE_PORT: "8080",
    SLUICE_API_PORT: "8081",
    SLUICE_STATE_DIR: state,
    SLUICE_WORKERS: "auto",
  };
  const run = (/** @type {Record<string, string>} */ more = {}) => {
    const env = { ...environment, ...more };
    const { status, stderr } = spawnSync("sh", [join(folder, "entrypoint.sh"), join(folder, "nginx")], {
      env,
    });
    return { status, stderr: String(stderr) };
  };
  return { folder, conf, token: join(state, "write_token"), run };
}

/**
 * Asserts that the script has failed with exactly one line.
 * @param {ReturnType<ReturnType<typeof install>["run"]>} ending
 */
function assertRefused({ status, stderr }, /** @type {RegExp} */ line) {
  assert.match(stderr, /^sluice: [^\n]*\n$/);
  assert.match(stderr, line);
  assert.equal(status, 1);
}

test("the entrypoint writes nginx.conf, and creates a token once", (context) => {
  const { folder, token, run } = install(context);
  const first = run();
  assert.equal(first.status, 0, first.stderr);
  assert.match(first.stderr, /^sluice: made a token for the API/);
  assert.equal(readFileSync(join(folder, "tmp/sluice/nginx.conf"), "utf8"), `listen 8080; # ${token}\n`);
  const made = readFileSync(token, "utf8");
  assert.match(made, /^[0-9a-f]{64}$/);
  assert.equal(statSync(token).mode & 0o777, 0o600);
  assert.ok(!existsSync(`${token}.new`));
  assert.deepEqual(run(), { status: 0, stderr: "" });
  assert.equal(readFileSync(token, "utf8"), made);
});

test("a token file that a crash left empty is created again", (context) => {
  const { token, run } = install(context);
  mkdirSync(join(token, ".."));
  writeFileSync(token, "");
  writeFileSync(`${token}.new`, "half");
  const { status, stderr } = run();
  assert.equal(status, 0, stderr);
  assert.match(stderr, /^sluice: made a token for the API/);
  assert.match(readFileSync(token, "utf8"), /^[0-9a-f]{64}$/);
});

test("a file that cannot be written or read gives one clear message", (context) => {
  const { folder, conf, token, run } = install(context);
  const temporary = join(folder, "tmp/sluice");
  // A file in the place of a folder, or a folder in the place of a file, stops even root.
  writeFileSync(temporary, "");
  assertRefused(run(), /could not write to \/tmp: /);
  rmSync(temporary);
  mkdirSync(join(temporary, "nginx.conf"), { recursive: true });
  assertRefused(run(), /could not write \S+\/nginx\.conf: user \d+ must be allowed to write to \S+$/m);
  rmSync(temporary, { recursive: true });
  writeFileSync(join(token, ".."), "");
  assertRefused(run(), /could not write \S+\/write_token: user \d+ must be allowed to write to \S+$/m);
  rmSync(join(token, ".."));
  rmSync(join(conf, "nginx.conf"));
  assertRefused(run(), /could not read \S+\/nginx\.conf: /);
});
