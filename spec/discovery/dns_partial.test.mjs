/**
 * Partial failures of DNS: answers are used, servers of failed questions stay, and only an answer removes a
 * server.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { discoveryOf, startDiscovery, waitForServers, waitForState } from "../gateway/support/discovery.mjs";
import { NOTIMP, NXDOMAIN, SERVFAIL, startScriptedDns } from "../gateway/support/registries/scripted_dns.mjs";
import { waitFor } from "../gateway/support/wait.mjs";

const name = "app.example";
/** @typedef {import("../gateway/support/registries/scripted_dns.mjs").Answer} Answer */

/** Two targets with different ports. @type {Answer} */
const two = [
  ["SRV", name, "one.example", 8001],
  ["SRV", name, "two.example", 8002],
];
const one = "127.9.0.1";
const other = "127.9.0.2";
const ipv6 = "fd00:0:0:0:0:0:0:1";

/** @param {import("node:test").TestContext} context @param {Record<string, Answer>} answers */
async function follow(context, answers, { type = "SRV", servers = [] } = {}) {
  const dns = await startScriptedDns(context, answers);
  const what = { name, type, ...(type === "SRV" ? {} : { port: 80 }) };
  const { gateway } = await startDiscovery(context, dns, {
    traffic: false,
    servers,
    discovery: dns.discovery(what),
  });
  return { dns, gateway };
}

/** Waits until a question has been asked twice more. */
async function asksAgain(dns, question) {
  const count = () => dns.asked.filter((text) => text === question).length;
  const before = count();
  await waitFor(`${question} is asked again`, () => count() > before + 1);
}

for (const [what, answer] of /** @type {[string, Answer][]} */ ([
  ["SERVFAIL", SERVFAIL],
  ["NOTIMP", NOTIMP],
  ["nothing", "silent"],
])) {
  test(`SRV: when AAAA is answered with ${what}, the addresses of A are used`, async (context) => {
    const { dns, gateway } = await follow(context, {
      [`SRV ${name}`]: two,
      "A one.example": [["A", "one.example", one]],
      "A two.example": [["A", "two.example", other]],
      "AAAA one.example": answer,
      "AAAA two.example": answer,
    });
    await waitForServers(gateway, [`${one}:8001`, `${other}:8002`], 30_000);
    // The report of an answer follows the write that adds its servers. On a busy machine a question for A may
    // fail as well, and is then the one that is reported until it is answered again.
    await waitFor("the failed question for AAAA is reported", async () => {
      const { state, skipped } = await discoveryOf(gateway.api);
      const failed = /^could not look up the AAAA records of one\.example: /;
      return state === "ok" && skipped.some(({ reason }) => failed.test(reason));
    });
    dns.answers["A one.example"] = [["A", "one.example", "127.9.0.9"]];
    await waitForServers(gateway, ["127.9.0.9:8001", `${other}:8002`], 60_000);
  });
}

test("SRV: a failing target keeps its last addresses and does not affect the others", async (context) => {
  const { dns, gateway } = await follow(context, {
    [`SRV ${name}`]: two,
    "A one.example": SERVFAIL,
    "AAAA one.example": SERVFAIL,
    "A two.example": [["A", "two.example", other]],
  });
  await waitForServers(gateway, [`${other}:8002`]);
  dns.answers["A one.example"] = [["A", "one.example", one]];
  dns.answers["AAAA one.example"] = [["AAAA", "one.example", ipv6]];
  await waitForServers(gateway, [`${one}:8001`, "[fd00::1]:8001", `${other}:8002`]);
  // One address family fails, and the other one changes.
  dns.answers["AAAA one.example"] = SERVFAIL;
  dns.answers["A one.example"] = [["A", "one.example", "127.9.0.3"]];
  await waitForServers(gateway, ["127.9.0.3:8001", "[fd00::1]:8001", `${other}:8002`]);
  // NXDOMAIN is an answer and removes the addresses.
  dns.answers["AAAA one.example"] = NXDOMAIN;
  await waitForServers(gateway, ["127.9.0.3:8001", `${other}:8002`]);
});

test("SRV: after a start, the servers of a target stay until it is answered", async (context) => {
  const { dns, gateway } = await follow(context, {
    [`SRV ${name}`]: two,
    "A one.example": [["A", "one.example", one]],
    "AAAA one.example": [["AAAA", "one.example", ipv6]],
    "A two.example": [["A", "two.example", other]],
  });
  await waitForServers(gateway, [`${one}:8001`, "[fd00::1]:8001", `${other}:8002`]);
  dns.answers["AAAA one.example"] = SERVFAIL;
  dns.answers["A two.example"] = [["A", "two.example", "127.9.0.4"]];
  await gateway.stop();
  await gateway.start();
  await waitForServers(gateway, [`${one}:8001`, "[fd00::1]:8001", "127.9.0.4:8002"]);
  dns.answers["AAAA one.example"] = [];
  await waitForServers(gateway, [`${one}:8001`, "127.9.0.4:8002"]);
});

test("SRV: when no target is answered, the source is failing and all servers stay", async (context) => {
  const { dns, gateway } = await follow(context, {
    [`SRV ${name}`]: two,
    "A one.example": [["A", "one.example", one]],
    "A two.example": [["A", "two.example", other]],
  });
  await waitForServers(gateway, [`${one}:8001`, `${other}:8002`]);
  for (const target of ["one.example", "two.example"])
    for (const family of ["A", "AAAA"]) dns.answers[`${family} ${target}`] = SERVFAIL;
  const { error } = await waitForState(gateway, "failing");
  assert.match(error, /could not look up the A+ records of (one|two)\.example: .*server failure/);
  await waitForServers(gateway, [`${one}:8001`, `${other}:8002`], 0);
  dns.answers["A one.example"] = [["A", "one.example", "127.9.0.5"]];
  await waitForServers(gateway, ["127.9.0.5:8001", `${other}:8002`]);
  await waitForState(gateway, "ok");
});

test("SRV: a family in the additional records is not looked up, and the other family is", async (context) => {
  const { dns, gateway } = await follow(context, {
    [`SRV ${name}`]: {
      answers: [["SRV", name, "one.example", 8001]],
      additional: [["A", "one.example", one]],
    },
    "AAAA one.example": [["AAAA", "one.example", ipv6]],
  });
  await waitForServers(gateway, [`${one}:8001`, "[fd00::1]:8001"]);
  assert.ok(!dns.asked.includes("A one.example"));
});

test("an answer that contains only a CNAME is followed, for each type", async (context) => {
  const aliases = {
    [`SRV ${name}`]: [["CNAME", name, "srv.example"]],
    "SRV srv.example": [["SRV", "srv.example", "one.example", 8001]],
    "A one.example": [["CNAME", "one.example", "Two.Example"]],
    "A two.example": [
      ["CNAME", "two.example", "three.example"],
      ["A", "three.example", one],
    ],
    "AAAA one.example": [["CNAME", "one.example", "two.example"]],
  };
  const { gateway } = await follow(context, /** @type {any} */ (aliases));
  await waitForServers(gateway, [`${one}:8001`]);
  const plain = await follow(
    context,
    { [`A ${name}`]: [["CNAME", name, "one.example"]], "A one.example": [["A", "one.example", other]] },
    { type: "A" },
  );
  await waitForServers(plain.gateway, [`${other}:80`]);
});

test("CNAME records that form a loop are a failure and change nothing", async (context) => {
  const { dns, gateway } = await follow(context, { [`A ${name}`]: [["A", name, one]] }, { type: "A" });
  await waitForServers(gateway, [`${one}:80`]);
  dns.answers[`A ${name}`] = [["CNAME", name, "one.example"]];
  dns.answers["A one.example"] = [["CNAME", "one.example", name]];
  const { error } = await waitForState(gateway, "failing");
  assert.match(error, /the CNAME records of app\.example form a loop/);
  await waitForServers(gateway, [`${one}:80`], 0);
});

test("records of another owner than the requested name are ignored", async (context) => {
  const { dns, gateway } = await follow(
    context,
    {
      [`A ${name}`]: [
        ["A", "other.example", other],
        ["CNAME", "other.example", "more.example"],
        ["A", "more.example", other],
        ["A", "APP.example", one],
      ],
    },
    { type: "A" },
  );
  await waitForServers(gateway, [`${one}:80`]);
  dns.answers[`A ${name}`] = [["A", "other.example", other]];
  await waitFor("the answer counts as one without records", async () => {
    return (await discoveryOf(gateway.api)).pending?.count === 1;
  });
  await asksAgain(dns, `A ${name}`);
  await waitForServers(gateway, [`${one}:80`], 0);
  assert.equal((await waitForState(gateway, "ok")).servers, 0);
});
