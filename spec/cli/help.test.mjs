/** Tests that the help and the documentation of the command are complete, and that mistakes name it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../scripts/command.mjs";
import { version } from "../packages/support/installed.mjs";
import { User } from "./support/command.mjs";

const page = readFileSync(join(root, "docs/reference/command.md"), "utf8");

/** Returns the verbs that a help lists. @param {string} help */
const verbsOf = (help) =>
  [.../^Commands:\n([^]*?)\n\n/m.exec(help)[1].matchAll(/^ {2}([a-z]+)/gm)]
    .map(([, verb]) => verb)
    .filter((verb) => verb !== "help");

test("every verb has a help with an example, and is documented with each of its options", async (context) => {
  const user = new User(context);
  const help = await user.sluice("--help");
  const verbs = verbsOf(help);
  assert.ok(verbs.length >= 15, verbs.join(" "));
  assert.match(help, /Exit status:\n {2}0 {2}done\n/);
  for (const option of help.matchAll(/--[a-z-]+/g))
    assert.ok(page.includes(option[0]), `command.md: ${option[0]}`);
  for (const verb of verbs.flatMap((each) => (each === "token" ? ["token hash"] : [each]))) {
    const own = await user.sluice(...verb.split(" "), "--help");
    assert.match(own, new RegExp(`\nExamples:\n {2}\\$ .*sluice ${verb}`), verb);
    assert.ok(page.includes(`sluice ${verb}`), `command.md describes ${verb}`);
    const options = /\nOptions:\n([^]*?)\n\n/.exec(own)?.[1] ?? "";
    for (const [, option] of options.matchAll(/(--[a-z-]+)/g))
      assert.ok(page.includes(option), `command.md describes ${option} of ${verb}`);
  }
});

test("--version is the version of the package", async (context) => {
  assert.equal(await new User(context).sluice("--version"), `${version}\n`);
});

test("a mistake in the command line is one line, and the status is 1", async (context) => {
  const user = new User(context);
  assert.equal(await user.fails("gt"), "unknown command 'gt' (Did you mean get?)");
  assert.match(await user.fails("get", "--fast"), /unknown option '--fast'/);
  assert.match(await user.fails("add", "app"), /missing required argument 'server'/);
  assert.match(
    await user.fails("get", "app", "-o", "xml"),
    /invalid value "xml" of -o: must be text, json or yaml/,
  );
  assert.match(await user.fails("diff"), /required option '-f, --file <path>'/);
  assert.match(await user.fails("apply", "-f", "x", "--max-removal", "many"), /--max-removal.*such as 50%/);
});
