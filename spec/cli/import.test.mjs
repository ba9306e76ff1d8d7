/** Tests of `sluice import`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { startGateway } from "../gateway/support/gateway.mjs";
import { User } from "./support/command.mjs";
import { cases, malformed } from "./support/nginx_confs.mjs";

/** Returns the lines of a part of the report. @param {string} report @param {string} title */
function partOf(report, title) {
  const [, part = ""] = new RegExp(`^${title}:\n((?:  .*\n)*)`, "m").exec(report) ?? [];
  return part.split("\n").flatMap((line) => {
    const [, place, text] = /^ {2}(\S+:\d+): (.*)$/.exec(line) ?? [];
    return place === undefined ? [] : [[place, text]];
  });
}

/** @param {string[][]} actual @param {[string, RegExp][]} expected */
function assertLines(actual, expected = []) {
  const shown = actual.map((line) => line.join(": ")).join("\n");
  assert.deepEqual(
    actual.map(([place]) => place),
    expected.map(([place]) => place),
    shown,
  );
  for (const [index, [, pattern]] of expected.entries()) assert.match(actual[index][1], pattern);
}

test("there are at least 30 configurations", () => assert.ok(cases.length >= 30));

for (const { name, conf, files = {}, upstreams, missing, remarks } of cases) {
  test(`import: ${name}`, async (context) => {
    const user = new User(context);
    user.write("nginx.conf", conf);
    for (const [path, content] of Object.entries(files)) user.write(path, content);
    const { status, stdout, stderr } = await user.run(["import", "nginx.conf"]);
    assert.deepEqual(parse(stdout), { upstreams }, stderr);
    assertLines(partOf(stderr, "Not imported"), missing);
    assertLines(partOf(stderr, "Imported in another form, or not needed"), remarks);
    assert.equal(status, missing === undefined ? 0 : 2);
  });
}

for (const [conf, reason] of malformed) {
  test(`a malformed configuration is refused: ${JSON.stringify(conf)}`, async (context) => {
    const user = new User(context);
    user.write("nginx.conf", conf);
    assert.match(await user.fails("import", "nginx.conf"), reason);
  });
}

test("a configuration from standard input, and one that is not there", async (context) => {
  const user = new User(context);
  const { stdout } = await user.run(["import", "-"], "upstream a { server 10.0.0.1; }");
  assert.deepEqual(parse(stdout), { upstreams: { a: { servers: [{ server: "10.0.0.1" }] } } });
  const json = await user.run(["import", "-", "-o", "json"], "upstream a { server 10.0.0.1; }");
  assert.deepEqual(JSON.parse(json.stdout), parse(stdout));
  assert.equal(
    await user.fails("import", "none.conf"),
    "could not read none.conf: there is no such file or folder",
  );
});

test("every imported upstream is valid, and a gateway accepts it", async (context) => {
  const user = new User(context);
  const all = cases.flatMap(({ upstreams }, index) =>
    Object.entries(upstreams).map(([name, upstream]) => [`${index}-${name}`, upstream]),
  );
  user.write("all.json", JSON.stringify({ upstreams: Object.fromEntries(all) }));
  assert.match(await user.sluice("validate", "-f", "all.json"), /^valid: /);
  const { api } = await startGateway(context, {});
  for (const { upstreams } of cases) {
    for (const [name, upstream] of Object.entries(upstreams)) {
      const answer = await api.put(`/api/sluice/1/upstreams/${encodeURIComponent(name)}`, upstream);
      assert.ok(answer.status < 300, answer.text);
    }
  }
});
