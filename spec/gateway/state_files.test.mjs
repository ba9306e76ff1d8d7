/**
 * The files of state_dir are used only if no other user can change them, and writes are refused when the
 * files are missing.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startBackend } from "./support/backend.mjs";
import { makeFolder } from "./support/folder.mjs";
import { makeGateway, startGateway } from "./support/gateway.mjs";
import { ask } from "./support/load.mjs";
import { assertRefusesToStart } from "./support/start_error.mjs";
import { serversOf, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

const secret = "a file of somebody else\n";

/**
 * Problems of a folder, each with a pattern of the message.
 * @type {[what: string, spoil: (folder: string, other: string) => void, reason: RegExp][]}
 */
const spoiltFolders = [
  [
    "a file that is a symbolic link",
    (folder, other) => symlinkSync(other, join(folder, "image.1")),
    /could not open .*state\/image\.1: it is a symbolic link/,
  ],
  [
    "a file that is a symbolic link to nothing",
    (folder, other) => symlinkSync(`${other}-new`, join(folder, "journal.0")),
    /could not open .*state\/journal\.0: it is a symbolic link/,
  ],
  [
    "a file that is a hard link",
    (folder, other) => linkSync(other, join(folder, "image.1")),
    /could not open .*state\/image\.1: it is linked to from elsewhere/,
  ],
  [
    "a file that is a pipe",
    (folder) => assert.equal(spawnSync("mkfifo", ["-m", "600", join(folder, "journal.0")]).status, 0),
    /could not open .*state\/journal\.0: it is not a regular file/,
  ],
  [
    "a file that is a folder",
    (folder) => mkdirSync(join(folder, "health.0")),
    /could not open .*state\/health\.0: /,
  ],
  [
    "a file of another user",
    (folder) => {
      writeFileSync(join(folder, "journal.1"), "", { mode: 0o600 });
      chownSync(join(folder, "journal.1"), 12345, 12345);
    },
    /could not open .*state\/journal\.1: it belongs to user 12345/,
  ],
  [
    "a file that others may write to",
    (folder) => {
      writeFileSync(join(folder, "journal.1"), "");
      chmodSync(join(folder, "journal.1"), 0o666);
    },
    /could not open .*state\/journal\.1: users other than its owner may write to it/,
  ],
  [
    "another owner",
    (folder) => chownSync(folder, 12345, 12345),
    /could not open .*state: it belongs to user 12345/,
  ],
  [
    "a group that may write to it",
    (folder) => chmodSync(folder, 0o770),
    /could not open .*state: users other than its owner may write to it/,
  ],
  [
    "write access for everybody",
    (folder) => chmodSync(folder, 0o1777),
    /could not open .*state: users other than its owner may write to it/,
  ],
];

for (const [what, spoil, reason] of spoiltFolders) {
  test(`a state_dir with ${what} stops the start with one clear message`, async (context) => {
    const gateway = await makeGateway(context, { servers: ["127.0.0.1:9"] });
    const folder = join(gateway.folder, "state");
    const other = join(gateway.folder, "secret");
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(other, secret, { mode: 0o600 });
    spoil(folder, other);
    await assertRefusesToStart(gateway, reason);
    assert.equal(readFileSync(other, "utf8"), secret, "the other file is unchanged");
  });
}

test("a state_dir that is a symbolic link or below a symbolic link works", async (context) => {
  const real = makeFolder(context, "real");
  const links = makeFolder(context, "links");
  symlinkSync(real, join(links, "var"));
  const gateway = await startGateway(context, {
    stateDir: join(links, "var", "state"),
    servers: ["127.0.0.1:9"],
  });
  await gateway.api.expect(201, "POST", serversOf(), { server: "127.0.0.2:9" });
  assert.ok(lstatSync(join(real, "state", "journal.0")).isFile());
  await gateway.stop();
  symlinkSync(join(real, "state"), join(links, "direct"));
  gateway.configure({ stateDir: join(links, "direct") });
  await gateway.start();
  await gateway.api.expect(201, "POST", serversOf(), { server: "127.0.0.3:9" });
  assert.equal((await gateway.api.get(serversOf())).body.length, 3);
});

/**
 * Ways to remove the files while nginx runs, and to restore them.
 * @type {[what: string, away: (folder: string) => void, back?: (folder: string) => void][]}
 */
const losses = [
  ["removed", (folder) => rmSync(folder, { recursive: true })],
  [
    "moved",
    (folder) => renameSync(folder, `${folder}-moved`),
    (folder) => renameSync(`${folder}-moved`, folder),
  ],
  [
    "replaced by another folder",
    (folder) => {
      renameSync(folder, `${folder}-moved`);
      mkdirSync(folder, { mode: 0o700 });
    },
    (folder) => {
      rmSync(folder, { recursive: true });
      renameSync(`${folder}-moved`, folder);
    },
  ],
  ["emptied", (folder) => readdirSync(folder).forEach((name) => unlinkSync(join(folder, name)))],
  [
    "left without an image",
    (folder) =>
      readdirSync(folder).forEach((name) => name.startsWith("image") && unlinkSync(join(folder, name))),
  ],
  [
    "restored from a copy",
    (folder) => {
      for (const name of readdirSync(folder)) {
        const text = readFileSync(join(folder, name));
        unlinkSync(join(folder, name));
        writeFileSync(join(folder, name), text, { mode: 0o600 });
      }
    },
  ],
];

for (const [what, away, back] of losses) {
  test(`writes are refused with a warning while state_dir is ${what}`, async (context) => {
    const backend = await startBackend(context);
    const gateway = await startGateway(context, { servers: [backend.address] });
    const { api } = gateway;
    const folder = join(gateway.folder, "state");
    const server = { server: "127.0.0.2:9", down: true };
    await api.expect(201, "POST", serversOf(), server);
    const before = await api.configuration();

    away(folder);
    for (let number = 0; number < 5; number += 1) {
      const { status, body } = await api.post(serversOf(), { server: someAddress(number), down: true });
      assert.deepEqual([status, body.error.code], [500, "StateNotSaved"]);
      assert.match(body.error.text, /state.* was moved, removed or replaced/);
    }
    assert.equal(await api.configuration(), before, "a refused write changes nothing");
    assert.equal((await ask(gateway.port)).status, 200, "requests are still served");
    const warnings = () =>
      gateway.log.entries("warn").filter((line) => /changes are refused: .*state/.test(line));
    await waitFor("a warning", () => warnings().length > 0);
    assert.equal(warnings().length, 1);

    if (back === undefined) return;
    back(folder);
    await api.expect(201, "POST", serversOf(), { server: "127.0.0.3:9", down: true });
    const after = await api.configuration();
    await gateway.stop();
    await gateway.start();
    assert.equal(await api.configuration(), after, "writes are saved again when the folder is restored");
  });
}

test("writes are refused when the symbolic link of state_dir leads to another folder", async (context) => {
  const [first, second] = [makeFolder(context, "first"), makeFolder(context, "second")];
  const links = makeFolder(context, "links");
  const link = join(links, "current");
  symlinkSync(first, link);
  const gateway = await startGateway(context, { stateDir: join(link, "state"), servers: ["127.0.0.1:9"] });
  unlinkSync(link);
  symlinkSync(second, link);
  const refused = await gateway.api.post(serversOf(), { server: "127.0.0.2:9" });
  assert.deepEqual([refused.status, refused.body.error.code], [500, "StateNotSaved"]);
});

test("a lost state_dir is noticed without a write, and so is its return", async (context) => {
  const gateway = await startGateway(context, { servers: ["127.0.0.1:9"] });
  const folder = join(gateway.folder, "state");
  const logged = (level, text) => gateway.log.entries(level).some((line) => line.includes(text));
  renameSync(folder, `${folder}-moved`);
  await waitFor("a warning", () => logged("warn", "changes are refused"));
  renameSync(`${folder}-moved`, folder);
  await waitFor("a notice", () => logged("notice", "state_dir is back"));
  await gateway.api.expect(201, "POST", serversOf(), { server: "127.0.0.2:9" });
});
