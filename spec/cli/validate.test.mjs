/**
 * `sluice validate` runs the gateway's own rules without a gateway. Both must refuse the same upstreams with
 * the same text.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import "../gateway/support/bad_paths.mjs";
import { badRequests, upstreams as upstreamsPath } from "../gateway/support/bad_requests.mjs";
import "../gateway/support/bad_servers.mjs";
import "../gateway/support/bad_settings.mjs";
import { cpuOfChildren } from "../gateway/support/cpu.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { acceptedUpstreams } from "./support/accepted.mjs";
import { mutants } from "./support/mutants.mjs";
import { User } from "./support/command.mjs";

/** Whether a text is a JSON object. @param {unknown} body */
const isObject = (body) => typeof body === "object" && body !== null && !Array.isArray(body);

/** The bodies of refused requests, as whole upstreams. */
function refusedUpstreams() {
  return badRequests.flatMap(({ method, path, body }) => {
    if (!isObject(body)) return [];
    if (
      path.startsWith(`${upstreamsPath}/`) &&
      !path.includes("/servers/") &&
      ["PUT", "PATCH"].includes(method)
    )
      return [body];
    return /\/servers$/.test(path) && method === "POST" ? [{ servers: [body] }] : [];
  });
}

/**
 * Only nginx compiles regular expressions and looks up host names, and only it knows whether a hidden secret
 * is known.
 * @param {string} text of the gateway's refusal
 */
const needsGateway = (text) =>
  /must be a regular expression: |must be given (again )?because|could not look up/.test(text);

/**
 * Returns the refusals of a gateway.
 * @param {import("../gateway/support/api.mjs").Api} api
 * @param {object[]} bodies
 */
async function refusalsOf(api, bodies) {
  const texts = [];
  for (const body of bodies) {
    const answer = await api.send("PUT", `${upstreamsPath}/tried`, body);
    texts.push(answer.status < 300 ? undefined : answer.body.error.text);
  }
  return texts;
}

/**
 * Returns the refusals of `sluice validate` for the same bodies, from one file.
 * @param {User} user
 * @param {object[]} bodies
 */
async function problemsOf(user, bodies) {
  const upstreams = Object.fromEntries(bodies.map((body, index) => [`u${index}`, body]));
  user.write("all.json", JSON.stringify({ upstreams }));
  const { stderr } = await user.run(["validate", "-f", "all.json"]);
  const texts = bodies.map(() => undefined);
  for (const line of stderr.split("\n").filter((each) => each !== "")) {
    const [, index, text] = /^sluice: all\.json:1: u(\d+): (.*)$/s.exec(line) ?? [];
    assert.ok(index !== undefined, line);
    // The gateway answers with the first problem.
    texts[Number(index)] ??= text;
  }
  return texts;
}

/** Returns a text as the command prints it. @param {string} text */
// eslint-disable-next-line no-control-regex -- They are what the command replaces.
const printed = (text) => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "?");

/**
 * Asserts that gateway and command agree on all bodies. Returns the number of those that both refuse.
 * @param {import("node:test").TestContext} context
 * @param {object[]} bodies
 */
async function assertAgreement(context, bodies) {
  const { api, log } = await startGateway(context, {});
  // Checks and registries of these upstreams cannot be reached.
  log.allow(/context: ngx\.timer/);
  const expected = await refusalsOf(api, bodies);
  const actual = await problemsOf(new User(context), bodies);
  let refused = 0;
  for (const [index, body] of bodies.entries()) {
    const text = expected[index];
    if (text !== undefined && needsGateway(text)) continue;
    if (text !== undefined) refused += 1;
    const shown = JSON.stringify(body).slice(0, 300);
    // A body with several mistakes: either may name another one first.
    const isSame = actual[index] === (text === undefined ? undefined : printed(text));
    assert.ok(isSame, `${shown}: the gateway says ${text}, and validate says ${actual[index]}`);
  }
  return refused;
}

test("validate refuses what the gateway refuses, with the same text", async (context) => {
  const bodies = refusedUpstreams();
  assert.ok(bodies.length > 60, `there are ${bodies.length}`);
  assert.ok((await assertAgreement(context, bodies)) > 50);
});

test("validate accepts what the gateway accepts", async (context) => {
  const bodies = acceptedUpstreams;
  assert.ok(bodies.length >= 20, `there are ${bodies.length}`);
  assert.equal(await assertAgreement(context, bodies), 0);
});

test("validate and the gateway agree on upstreams with one value changed", async (context) => {
  const bodies = acceptedUpstreams.flatMap((upstream) => mutants(upstream));
  assert.ok(bodies.length > 1000, `there are ${bodies.length}`);
  const refused = await assertAgreement(context, bodies);
  assert.ok(refused > 500, `${refused} are refused`);
});

test("a patch is checked without the upstream that it changes", async (context) => {
  const user = new User(context);
  const patches = {
    a: { hash: { key: "$uri" } },
    b: { least_time: { inflight: true } },
    c: { random: { two: "least_conn" }, sticky: null },
    d: { servers: [{ server: "127.0.0.1:1", slow_start: "10s" }] },
    e: { method: "hash", hash: { key: "$uri" } },
  };
  const upstreams = Object.fromEntries(Object.entries(patches).map(([name, patch]) => [name, { patch }]));
  user.write("patches.json", JSON.stringify({ upstreams }));
  assert.equal(
    await user.sluice("validate", "-f", "patches.json"),
    "valid: 1 file, 5 upstreams, 0 servers\n",
  );
  user.write("bad.json", JSON.stringify({ upstreams: { a: { patch: { hash: { key: "uri" } } } } }));
  assert.match(await user.fails("validate", "-f", "bad.json"), /invalid "hash\.key"/);
});

test("10,000 servers are checked within a bound that only a quadratic rule would miss", async (context) => {
  const user = new User(context);
  const servers = Array.from({ length: 10_000 }, (_, index) => ({
    server: `10.${index >> 8}.${index & 255}.1:80`,
    weight: 2,
  }));
  user.write("large.json", JSON.stringify({ upstreams: { large: { servers } } }));
  const before = cpuOfChildren();
  assert.equal(
    await user.sluice("validate", "-f", "large.json"),
    "valid: 1 file, 1 upstream, 10000 servers\n",
  );
  const time = cpuOfChildren() - before;
  assert.ok(time < 20_000, `it took ${time} ms of CPU time`);
});
