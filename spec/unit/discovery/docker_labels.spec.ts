import { SERVER_DEFAULTS } from "../../../src/resty/sluice/config/server";
import { entries_by_upstream } from "../../../src/resty/sluice/discovery/docker_labels";
import type { Entry } from "../../../src/resty/sluice/discovery/source";
import { no_pause } from "../../../src/resty/sluice/lib/pause";
import type { Container } from "../../../src/resty/sluice/net/docker/engine";
import { expect } from "../support/expect";
import { expect_quick } from "../support/quick";

const AT = "10.0.0.7:81";
const PORT = { "angie.http.upstreams.app.port": "81" };
const NETWORKS = { bridge: { IPAddress: "10.0.0.7", GlobalIPv6Address: "" } };

function container(labels: Record<string, string>, more: Container = {}): Container {
  return {
    Id: "0123456789abcdef",
    Names: ["/web-1"],
    State: "running",
    Status: "Up 5 minutes",
    Labels: labels,
    NetworkSettings: { Networks: NETWORKS },
    ...more,
  };
}

function entries_of(containers: Container[], network?: string, upstream = "app"): Entry[] | undefined {
  return entries_by_upstream(containers, network, no_pause).get(upstream);
}

function problem_of(one: Container, network?: string): string | undefined {
  const [entry] = entries_of([one], network) ?? error("there is no entry");
  expect(entry.server).equal(undefined);
  expect(entry.key).equal("web-1");
  return entry.problem;
}

describe("the labels of a container", () => {
  const accepted: [labels: Record<string, string>, server: object][] = [
    [{}, {}],
    [{ "angie.http.upstreams.app.weight": "3" }, { weight: 3 }],
    [
      { "angie.http.upstreams.app.max_conns": "9", "angie.http.upstreams.app.max_fails": "0" },
      { max_conns: 9, max_fails: 0 },
    ],
    [{ "angie.http.upstreams.app.fail_timeout": "20" }, { fail_timeout: "20s" }],
    [
      { "angie.http.upstreams.app.fail_timeout": "1m", "angie.http.upstreams.app.slow_start": "500ms" },
      { fail_timeout: "1m", slow_start: "500ms" },
    ],
    [{ "angie.http.upstreams.app.backup": "true" }, { backup: true }],
    [{ "angie.http.upstreams.app.backup": "false" }, {}],
    [{ "sluice.http.upstreams.app.down": "true" }, { down: true }],
    [{ "sluice.http.upstreams.app.drain": "true" }, { drain: true }],
    [{ "angie.http.upstreams.app.sid": "a" }, { route: "a" }],
    [{ "sluice.http.upstreams.app.route": "true" }, { route: "true" }],
    [{ "sluice.http.upstreams.app.zone": "eu-1a" }, { zone: "eu-1a" }],
    [{ "angie.http.upstreams.app.weight": "3", "sluice.http.upstreams.app.weight": "4" }, { weight: 4 }],
    [{ "angie.http.upstreams.app.weight": "none", "sluice.http.upstreams.app.weight": "4" }, { weight: 4 }],
    [{ "sluice.http.upstreams.app.port": "82" }, { server: "10.0.0.7:82" }],
    [
      { "angie.stream.upstreams.app.weight": "7", "com.angie.http.upstreams.app.weight": "8", angie: "9" },
      {},
    ],
    [{ "angie.http.upstreams.application.colour": "red" }, {}],
  ];
  for (const [labels, server] of accepted) {
    it(`may be ${table.concat(Object.keys(labels), ", ")}`, () => {
      expect(entries_of([container({ ...PORT, ...labels })])).same([
        { key: "web-1", server: { ...SERVER_DEFAULTS, server: AT, source: "discovery", ...server } },
      ]);
    });
  }

  const refused: [labels: Record<string, string>, problem: string][] = [
    [{ "angie.http.upstreams.app.wieght": "1" }, 'unknown label "angie.http.upstreams.app.wieght"'],
    [
      { "sluice.http.upstreams.app.server": "10.0.0.1:80" },
      'unknown label "sluice.http.upstreams.app.server"',
    ],
    [{ "sluice.http.upstreams.app.resolve": "true" }, 'unknown label "sluice.http.upstreams.app.resolve"'],
    [{ "sluice.http.upstreams.app.": "1" }, 'unknown label "sluice.http.upstreams.app."'],
    [{ "angie.http.upstreams.app.weight": "0" }, 'invalid "weight": must be a whole number from 1'],
    [{ "angie.http.upstreams.app.weight": "" }, 'invalid "weight":'],
    [{ "angie.http.upstreams.app.weight": "1e3" }, 'invalid "weight":'],
    [{ "angie.http.upstreams.app.weight": "true" }, 'invalid "weight":'],
    [{ "angie.http.upstreams.app.max_conns": "-1" }, 'invalid "max_conns":'],
    [{ "angie.http.upstreams.app.fail_timeout": "soon" }, 'invalid "fail_timeout": must be a time'],
    [{ "angie.http.upstreams.app.backup": "yes" }, 'invalid "backup": must be true or false'],
    [
      { "angie.http.upstreams.app.sid": string.rep("x", 33) },
      'invalid "route": must not be longer than 32 bytes',
    ],
    [
      { "sluice.http.upstreams.app.zone": string.rep("x", 65) },
      'invalid "zone": must not be longer than 64 bytes',
    ],
    [{ "angie.http.upstreams.app.port": "0" }, "must have a port from 1 to 65535"],
    [{ "angie.http.upstreams.app.port": "65536" }, "must have a port from 1 to 65535"],
    [{ "angie.http.upstreams.app.port": "http" }, 'the port "http" must be a number from 1 to 65535'],
    [{ "angie.http.upstreams.app.port": "81/tcp" }, 'the port "81/tcp" must be a number'],
    [{ "angie.http.upstreams.app.port": string.rep("9", 1000) }, "must be a number from 1 to 65535"],
  ];
  for (const [labels, problem] of refused) {
    const [name] = Object.keys(labels);
    it(`are refused with ${name}=${string.sub(labels[name], 1, 20)}, and only that container`, () => {
      expect(problem_of(container({ ...PORT, ...labels }))).contains(problem);
      const [, good] =
        entries_of([container({ ...PORT, ...labels }), container(PORT, { Names: ["/web-2"] })]) ??
        error("there is no entry");
      expect(good.server?.server).equal(AT);
    });
  }

  it("must have a port", () => {
    expect(problem_of(container({ "angie.http.upstreams.app.weight": "2" }))).equal(
      'the container has no label "sluice.http.upstreams.app.port"',
    );
  });

  it("may name several upstreams, also with dots in their names", () => {
    const labels = {
      "sluice.http.upstreams.shop.v2.port": "82",
      "sluice.http.upstreams.shop.v2.weight": "x",
    };
    const all = entries_by_upstream([container({ ...PORT, ...labels })], undefined, no_pause);
    expect(all.get("app")?.[0].server?.server).equal(AT);
    expect(all.get("shop.v2")?.[0].problem).contains('invalid "weight":');
    expect(all.get("shop")).equal(undefined);
  });
});

describe("the address of a container", () => {
  const two = {
    NetworkSettings: { Networks: { front: { IPAddress: "10.1.0.7" }, back: { IPAddress: "10.2.0.7" } } },
  };
  const chosen: [labels: Record<string, string>, network: string, server: string][] = [
    [{}, "front", "10.1.0.7:81"],
    [{ "angie.network": "back" }, "front", "10.2.0.7:81"],
    [{ "angie.network": "back", "sluice.network": "front" }, "", "10.1.0.7:81"],
    [{ "angie.network": "back", "angie.http.upstreams.app.network": "front" }, "", "10.1.0.7:81"],
    [{ "sluice.network": "back", "angie.http.upstreams.app.network": "front" }, "", "10.1.0.7:81"],
  ];
  for (const [labels, network, server] of chosen) {
    it(`is ${server} with ${table.concat(Object.keys(labels), ", ")} and the option "${network}"`, () => {
      const option = network === "" ? undefined : network;
      expect(entries_of([container({ ...PORT, ...labels }, two)], option)?.[0].server?.server).equal(server);
    });
  }

  it("must be in one known network", () => {
    expect(problem_of(container(PORT, two))).equal(
      'the container is in the networks "back", "front"; "network" must name one',
    );
    expect(problem_of(container(PORT, two), "other")).equal('the container is not in the network "other"');
    expect(problem_of(container(PORT, { NetworkSettings: {} }))).equal("the container is in no network");
    const host = { NetworkSettings: { Networks: { host: { IPAddress: "" } } } };
    expect(problem_of(container(PORT, host))).equal('the container has no address in the network "host"');
  });

  it("may be IPv6", () => {
    const networks = { v6: { IPAddress: "", GlobalIPv6Address: "fd00::7" } };
    const entries = entries_of([container(PORT, { NetworkSettings: { Networks: networks } })]);
    expect(entries?.[0].server?.server).equal("[fd00::7]:81");
  });

  it("must be an address", () => {
    const networks = { bridge: { IPAddress: "10.0.0.7:80" } };
    const problem = problem_of(container(PORT, { NetworkSettings: { Networks: networks } }));
    expect(problem).contains("is not an IPv6 address");
  });
});

describe("the state of a container", () => {
  it("is down when it is paused", () => {
    const paused = container(PORT, { State: "paused", Status: "Up 5 minutes (Paused)" });
    expect(entries_of([paused])?.[0].server?.down).equal(true);
  });

  it("is skipped while its health check fails", () => {
    expect(problem_of(container(PORT, { Status: "Up 1 second (unhealthy)" }))).equal(
      "the container is unhealthy",
    );
    expect(problem_of(container(PORT, { Status: "Up 1 second (health: starting)" }))).equal(
      "the container's health check has not succeeded yet",
    );
    expect(entries_of([container(PORT, { Status: "Up 1 second (healthy)" })])?.[0].problem).equal(undefined);
  });

  it("is no entry unless it runs", () => {
    for (const State of ["created", "restarting", "exited", "dead", "removing", ""]) {
      expect(entries_of([container(PORT, { State })])).equal(undefined);
    }
    expect(entries_of([{ State: "running" }])).equal(undefined);
  });
});

describe("the entries of many containers", () => {
  it("are in the order of their names", () => {
    const names = ["/c", "/a", "/b"];
    const entries = entries_of(names.map((name) => container(PORT, { Names: [name] })));
    expect(entries?.map(({ key }) => key)).same(["a", "b", "c"]);
    expect(entries_of([container(PORT, { Names: [] })])?.[0].key).equal("0123456789ab");
  });

  it("take linear time, whatever the labels are", () => {
    const long = string.rep("a.", 100_000);
    expect_quick(() => {
      expect(entries_of([container({ ...PORT, [`angie.http.upstreams.${long}`]: "1" })])?.length).equal(1);
      expect(entries_of([container({ ...PORT, [`angie.${long}`]: "1" })])?.length).equal(1);
    });
  });
});
