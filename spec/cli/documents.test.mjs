/** Tests of the files of -f: YAML and JSON, folders, and the places of mistakes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { User } from "./support/command.mjs";

const app = "upstreams:\n  app:\n    servers:\n      - server: 127.0.0.1:9001\n";

test("files in YAML and JSON, folders and standard input are merged", async (context) => {
  const user = new User(context);
  user.write("all/app.yaml", app);
  user.write("all/deep/shop.json", JSON.stringify({ upstreams: { shop: { servers: [] }, old: null } }));
  user.write("all/.hidden.yaml", "no yaml: [");
  user.write("all/readme.md", "no yaml: [");
  user.write("more.yml", "upstreams: { more: { patch: { method: least_conn } } }");
  assert.equal(await user.sluice("validate", "-f", "all"), "valid: 2 files, 3 upstreams, 1 server\n");
  assert.equal(
    await user.sluice("validate", "-f", "all", "-f", "more.yml"),
    "valid: 3 files, 4 upstreams, 1 server\n",
  );
  const { stdout } = await user.run(["validate", "-f", "-"], app);
  assert.equal(stdout, "valid: 1 file, 1 upstream, 1 server\n");
});

test("anchors and merge keys of YAML work", async (context) => {
  const user = new User(context);
  user.write(
    "anchors.yaml",
    `upstreams:
  app: &usual
    method: least_conn
    servers: &servers
      - { server: "127.0.0.1:9001" }
  shop:
    <<: *usual
    method: random
  more: { servers: *servers }
`,
  );
  assert.equal(
    await user.sluice("validate", "-f", "anchors.yaml"),
    "valid: 1 file, 3 upstreams, 3 servers\n",
  );
});

test("a mistake is named with its file and its line", async (context) => {
  const user = new User(context);
  for (const [content, reason] of [
    ["", /^bad\.yaml: must be an object with the member "upstreams"$/],
    ["- 1\n", /^bad\.yaml: must be an object/],
    ["upstream:\n  app: {}\n", /^bad\.yaml:1: unknown member "upstream": only "upstreams" is allowed here$/],
    ["upstreams: []\n", /^bad\.yaml:1: "upstreams" must be an object$/],
    ["upstreams:\n  app: {}\n  app: {}\n", /^bad\.yaml:3: Map keys must be unique/],
    ["upstreams:\n  app: {\n", /^bad\.yaml:\d: /],
    ["upstreams:\n\tapp: {}\n", /^bad\.yaml:2: /],
    ["upstreams: {}\n---\nupstreams: {}\n", /^bad\.yaml:\d: .*documents/],
    ["upstreams:\n  app:\n    panic_threshold: .nan\n", /^bad\.yaml:3: is not a number in JSON$/],
    [
      "upstreams:\n  app:\n    panic_threshold: 101\n",
      /^bad\.yaml:3: app: invalid "panic_threshold": must be/,
    ],
    [`${app}        wieght: 2\n`, /^bad\.yaml:5: app: servers\[0\]: unknown parameter "wieght"$/],
    [`${app}        weight: 0\n`, /^bad\.yaml:5: app: servers\[0\]: invalid "weight": must be/],
    ["upstreams:\n  a/b: {}\n", /^bad\.yaml:2: a\/b: invalid upstream name: must contain only/],
    ["upstreams:\n  app: 5\n", /^bad\.yaml:2: app: an upstream must be an object or null$/],
    ["upstreams:\n  app: { patch: {}, method: random }\n", /^bad\.yaml:2: app: unknown parameter "method"$/],
    [
      "upstreams:\n  app:\n    patch:\n      queue: { size: 0 }\n",
      /^bad\.yaml:4: app: invalid "queue\.size"/,
    ],
  ]) {
    user.write("bad.yaml", content);
    assert.match(await user.fails("validate", "-f", "bad.yaml"), reason, content);
  }
});

test("each problem is a line of its own", async (context) => {
  const user = new User(context);
  user.write("a.yaml", "upstreams:\n  one:\n    method: best\n    panic_threshold: x\n  two: {}\n");
  user.write("b.yaml", "upstreams:\n  three:\n    servers: 5\n");
  const { status, stderr } = await user.run(["validate", "-f", "."]);
  assert.equal(status, 1);
  const lines = stderr.trimEnd().split("\n");
  assert.equal(lines.length, 3, stderr);
  assert.match(lines[0], /^sluice: a\.yaml:3: one: invalid "method": /);
  assert.match(lines[1], /^sluice: a\.yaml:4: one: invalid "panic_threshold": /);
  assert.match(lines[2], /^sluice: b\.yaml:3: three: invalid "servers": must be a list$/);
});

test("an upstream in two files is refused, and both are named", async (context) => {
  const user = new User(context);
  user.write("all/one.yaml", app);
  user.write("all/two.yaml", `# comment\n${app}`);
  assert.equal(
    await user.fails("validate", "-f", "all"),
    'duplicate upstream "app": it is in all/one.yaml:2 and in all/two.yaml:3',
  );
});

test("missing files, and folders without files, are refused", async (context) => {
  const user = new User(context);
  user.write("empty/readme.md", "");
  assert.equal(
    await user.fails("validate", "-f", "none.yaml"),
    "could not read none.yaml: there is no such file or folder",
  );
  assert.equal(await user.fails("validate", "-f", "empty"), "empty: has no file *.yaml, *.yml or *.json");
});

test("a file that refers to itself again and again is refused", async (context) => {
  const user = new User(context);
  const lines = ["a0: &a0 [x]"];
  for (let level = 1; level < 30; level += 1)
    lines.push(`a${level}: &a${level} [${new Array(9).fill(`*a${level - 1}`).join(", ")}]`);
  user.write("bomb.yaml", `${lines.join("\n")}\nupstreams: {}\n`);
  assert.match(await user.fails("validate", "-f", "bomb.yaml"), /^bomb\.yaml: .*alias/i);
});
