/** Tests that the command works from the packed npm package, as `npx` runs it. */
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { root } from "../../scripts/command.mjs";
import { test } from "node:test";
import { makeFolder } from "../gateway/support/folder.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { copyOfRepository, packWithNpm, runIn, version } from "../packages/support/installed.mjs";
import { program } from "./support/command.mjs";

test("npx runs the command from the packed tarball, which needs no other package", async (context) => {
  const folder = makeFolder(context, "npx");
  const tarball = packWithNpm(copyOfRepository(context), folder);
  const options = ["--offline", "--yes", "--no-update-notifier", "--loglevel=error", "--package", tarball];
  assert.equal(runIn(folder, "npx", ...options, "sluice", "--version"), `${version}\n`);
  const { apiPort } = await startGateway(context, { servers: ["127.0.0.1:9001"] });
  const address = `http://127.0.0.1:${apiPort}`;
  assert.match(runIn(folder, "npx", ...options, "sluice", "get", "--address", address), /\napp /);
});

test("the command is one file for Node, with the licenses of its libraries", () => {
  const text = readFileSync(program, "utf8");
  assert.match(text, /^#!\/usr\/bin\/env node\n/);
  assert.equal(statSync(program).mode & 0o111, 0o111);
  const modules = [...text.matchAll(/^import .*? from "([^"]+)";$/gm)].map(([, name]) => name);
  assert.ok(modules.length > 5);
  for (const name of modules) assert.match(name, /^node:/);
  for (const library of ["commander", "fengari", "yaml"])
    assert.match(
      text,
      new RegExp(`/\\*!\n${library} \\d[^]*?(Permission is hereby granted|Permission to use)`),
    );
  assert.ok(!text.includes(root), "no path of the build is in it");
});
