/** Tests that the npm package has types for a user's TypeScript, and that the compiled Lua runs in nginx. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../scripts/setup.mjs";
import { startBackend } from "../gateway/support/backend.mjs";
import { makeFolder } from "../gateway/support/folder.mjs";
import { ask } from "../gateway/support/load.mjs";
import { serversOf } from "../gateway/support/upstreams.mjs";
import { copyOfRepository, makeInstalledGateway, packWithNpm, runIn, version } from "./support/installed.mjs";

/** Returns TypeScript of a user. @param {string} healthCheck */
const source = (healthCheck) => `
import * as sluice from "resty.sluice";

const app: sluice.Upstream = { method: "least_conn", health_check: ${healthCheck} };

export function start(): void {
  sluice.setup({ upstreams: { app } });
}

export function pick(): void {
  sluice.balance("app");
}
`;

/** The user's tsconfig.json, without its files. */
const configuration = {
  compilerOptions: {
    target: "ESNext",
    lib: ["ESNext"],
    module: "ESNext",
    moduleResolution: "bundler",
    types: ["lua-resty-sluice"],
    strict: true,
    outDir: "lua",
  },
  tstl: { luaTarget: "JIT", noImplicitSelf: true },
};

/**
 * Makes a user's project with the package installed, without access to the network.
 * @param {import("node:test").TestContext} context
 */
function makeProject(context) {
  const folder = makeFolder(context, "project");
  const tarball = packWithNpm(copyOfRepository(context), folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true }));
  const options = ["--offline", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];
  runIn(folder, "npm", "install", ...options, tarball);
  return folder;
}

/**
 * Compiles files of the project with TypeScriptToLua.
 * @param {string} folder
 * @param {...string} texts the contents of file_0.ts and so on
 */
function compile(folder, ...texts) {
  const files = texts.map((text, index) => {
    writeFileSync(join(folder, `file_${index}.ts`), text);
    return `file_${index}.ts`;
  });
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ ...configuration, files }));
  const compiler = join(root, "node_modules/typescript-to-lua/dist/tstl.js");
  const options = ["--project", "tsconfig.json"];
  const { status, stdout } = spawnSync(process.execPath, [compiler, ...options], {
    cwd: folder,
    encoding: "utf8",
  });
  return { status, stdout };
}

test("the installed types check TypeScript, and its compiled Lua runs in nginx", async (context) => {
  const folder = makeProject(context);
  const wrong = compile(
    folder,
    source('{ intervall: "1s" }'),
    source("{ interval: 1 }"),
    source('{ type: "grpcs" }'),
  );
  assert.notEqual(wrong.status, 0);
  assert.match(wrong.stdout, /file_0\.ts\b.* 'intervall' does not exist in type 'HealthCheck'/);
  assert.match(wrong.stdout, /file_1\.ts\b.* Type 'number' is not assignable to type 'string'/);
  assert.match(wrong.stdout, /file_2\.ts\b.* Type '"grpcs"' is not assignable to type/);
  const [, example] = /```ts\n(.*?)```/s.exec(readFileSync(join(root, "docs/reference/setup.md"), "utf8"));
  assert.deepEqual(compile(folder, source('{ interval: "1s" }'), example), { status: 0, stdout: "" });
  for (const name of ["file_0.lua", "file_1.lua"])
    assert.match(readFileSync(join(folder, "lua", name), "utf8"), /= require\("resty\.sluice"\)/);

  // The backend starts before the gateway and therefore ends after it, so that no health check fails.
  const backend = await startBackend(context);
  const installed = join(folder, "node_modules/lua-resty-sluice/dist");
  const gateway = await makeInstalledGateway(context, `${folder}/lua/?.lua;${installed}/?.lua`, {
    initLua: 'require("file_0").start()',
    http: 'upstream typed { server 0.0.0.1; balancer_by_lua_block { require("file_0").pick() } }',
    traffic: "location = /typed { proxy_pass http://typed; }",
  });
  await gateway.start();
  assert.equal((await ask(gateway.port, "/installed")).text, `${version} @${installed}/resty/sluice.lua\n`);
  await gateway.api.expect(201, "POST", serversOf(), { server: backend.address });
  assert.equal((await ask(gateway.port, "/typed")).text, backend.id);
});
