/** Tests that a gateway runs with the files that LuaRocks installs, and that LuaRocks removes all of them. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { filesBelow } from "../../scripts/files.mjs";
import { root } from "../../scripts/setup.mjs";
import { startBackend } from "../gateway/support/backend.mjs";
import { makeFolder } from "../gateway/support/folder.mjs";
import { ask } from "../gateway/support/load.mjs";
import { serversOf } from "../gateway/support/upstreams.mjs";
import {
  copyOfRepository,
  makeInstalledGateway,
  packWithNpm,
  released,
  runIn,
  version,
} from "./support/installed.mjs";

const rockspec = released.find((name) => name.endsWith(".rockspec"));
const forLuaJit = ["--lua-version", "5.1"];

test("luarocks make installs a working gateway, and luarocks remove removes it", async (context) => {
  const repository = copyOfRepository(context);
  const tree = makeFolder(context, "tree");
  runIn(repository, "luarocks", "make", ...forLuaJit, "--tree", tree, rockspec);

  const modules = join(tree, "share/lua/5.1");
  const gateway = await makeInstalledGateway(context, `${modules}/?.lua`, { upstreams: { app: {} } });
  await gateway.start();
  const { text } = await ask(gateway.port, "/installed");
  assert.equal(text, `${version} @${modules}/resty/sluice.lua\n`);
  const backend = await startBackend(context);
  await gateway.api.expect(201, "POST", serversOf(), { server: backend.address });
  assert.equal((await ask(gateway.port)).text, backend.id);

  runIn(repository, "luarocks", "remove", ...forLuaJit, "--tree", tree, "lua-resty-sluice");
  const left = filesBelow(tree).map((path) => relative(tree, path));
  assert.deepEqual(left, ["lib/luarocks/rocks-5.1/manifest"], "only LuaRocks' own manifest remains");
  assert.ok(!existsSync(modules));
});

test("luarocks build uses npm's tarball beside the rockspec, and luarocks pack creates a rock", (context) => {
  const place = copyOfRepository(context, [rockspec]);
  packWithNpm(copyOfRepository(context), place);
  const built = makeFolder(context, "tree");
  runIn(place, "luarocks", "build", ...forLuaJit, "--tree", built, rockspec);
  runIn(place, "luarocks", "pack", ...forLuaJit, "--tree", built, "lua-resty-sluice");
  const rock = join(place, rockspec.replace(".rockspec", ".all.rock"));
  const installed = makeFolder(context, "tree");
  runIn(installed, "luarocks", "install", ...forLuaJit, "--tree", installed, rock);

  const dist = filesBelow(join(root, "dist")).map((path) => relative(join(root, "dist"), path));
  for (const tree of [built, installed]) {
    const modules = join(tree, "share/lua/5.1");
    assert.deepEqual(
      filesBelow(modules).map((path) => relative(modules, path)),
      dist,
    );
  }
});
