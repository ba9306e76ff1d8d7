import {
  carried_over,
  changed_server,
  may_serve,
  read_server,
  read_server_change,
  serves_nobody,
  type ServerConfig,
} from "../../../src/resty/sluice/config/server";
import { encode, json_null } from "../../../src/resty/sluice/lib/json";
import { expect } from "../support/expect";

const A_LIMIT = 'must be a whole number from 0 to 2147483647, or "adaptive"';
const LIMITS = { max_conns: 0, max_fails: 1, fail_timeout: "10s", slow_start: "0s" };
const BASE: ServerConfig = {
  server: "10.0.0.1:80",
  weight: 3,
  backup: false,
  down: false,
  drain: true,
  ...LIMITS,
  route: "",
  zone: "",
  leave_by: "",
  source: "",
};

/** Reads a change of a server, and applies it. */
function changed(base: ServerConfig, input: Record<string, unknown>): ReturnType<typeof changed_server> {
  const [change, problem] = read_server_change(input);
  if (change === undefined) return $multi(undefined, problem);
  return changed_server(base, change);
}

describe("a server's parameters", () => {
  it("have nginx's defaults", () => {
    expect(read_server({ server: "10.0.0.1" })[0]).same({
      server: "10.0.0.1:80",
      weight: 1,
      backup: false,
      down: false,
      drain: false,
      ...LIMITS,
      route: "",
      zone: "",
      leave_by: "",
      source: "",
    });
  });

  it("keep the spelling of a time, and add the unit to plain seconds", () => {
    const times: [unknown, string][] = [
      ["10000ms", "10000ms"],
      ["1m 30s", "1m 30s"],
      ["1h", "1h"],
      ["15", "15s"],
      [15, "15s"],
      [0, "0s"],
      ["0", "0s"],
    ];
    for (const [given, kept] of times) {
      const [server] = read_server({ server: "10.0.0.1", fail_timeout: given, slow_start: given });
      expect([server?.fail_timeout, server?.slow_start]).same([kept, kept]);
    }
  });

  it("may be numbers in strings of digits, as the dashboard sends them", () => {
    const [server] = read_server({ server: "10.0.0.1", weight: "5", max_conns: "10", max_fails: "0" });
    expect([server?.weight, server?.max_conns, server?.max_fails]).same([5, 10, 0]);
  });

  it("take an adaptive limit", () => {
    const [server] = read_server({ server: "10.0.0.1", max_conns: "adaptive" });
    expect(server?.max_conns).equal("adaptive");
  });

  it("may be as large as nginx's", () => {
    const largest = 2147483647;
    const limits = { weight: largest, max_conns: largest, max_fails: largest };
    const [server] = read_server({ server: "10.0.0.1", ...limits });
    expect([server?.weight, server?.max_conns, server?.max_fails]).same([largest, largest, largest]);
  });

  const a_count = (smallest: number) => `must be a whole number from ${smallest} to 2147483647`;
  const a_time = 'must be a time, such as "10s"';
  const no_table = "must not be an object or a list";
  const refused: [name: string, code: string, reason: string, values: unknown[]][] = [
    ["weight", "UpstreamBadWeight", a_count(1), [0, -1, 1.5, 2147483648, 2 ** 40, 1e300, true, json_null]],
    ["weight", "UpstreamBadWeight", a_count(1), ["", "0", "-1", "1.5", "1x", "abc", " 1", "0x5"]],
    ["max_conns", "UpstreamBadMaxConns", A_LIMIT, [-1, 0.5, 2147483648, 1e300, 0 / 0, true, json_null]],
    ["max_conns", "UpstreamBadMaxConns", A_LIMIT, ["", "-1", "0.5", "x", "1e3", "ADAPTIVE"]],
    ["max_fails", "UpstreamBadMaxFails", a_count(0), [-1, 0.5, 2147483648, "1e3", "x", "", false, json_null]],
    ["fail_timeout", "UpstreamBadFailTimeout", a_time, ["soon", "x", "", "10 s", "-10s", "10sec", "1s 1m"]],
    ["fail_timeout", "UpstreamBadFailTimeout", a_time, [-1, -5, 0.5, 1.5, true, json_null]],
    ["slow_start", "UpstreamBadSlowStart", a_time, ["x", "", "1.5h", "1s 1m", "99999999d", "-1"]],
    ["slow_start", "UpstreamBadSlowStart", a_time, [-1, 1e300, true, json_null]],
    ["route", "UpstreamBadRoute", "must not be longer than 32 bytes", [string.rep("r", 33)]],
    [
      "route",
      "UpstreamBadRoute",
      "must not contain control characters",
      ["a\tb", "a\nb", "\u0000", "a\u007f"],
    ],
    ["route", "UpstreamBadRoute", "must be a string", [5, true, json_null]],
    ["zone", "UpstreamBadZone", "must not be longer than 64 bytes", [string.rep("z", 65)]],
    ["zone", "UpstreamBadZone", "must not contain control characters", ["eu\n1a"]],
    ["zone", "UpstreamBadZone", "must be a string", [5, true, json_null]],
    [
      "service",
      "UpstreamBadService",
      'must be the name of a service, such as "http" or "_http._tcp"',
      ["", 1],
    ],
  ];
  for (const name of ["backup", "down", "drain", "standby"]) {
    const values = [1, 0, "true", "false", "yes", "", json_null];
    refused.push([name, "UpstreamConfFormatError", "must be true or false", values]);
  }
  for (const name of ["server", "weight", "max_conns", "fail_timeout", "backup", "route", "zone"])
    refused.push([name, "UpstreamConfFormatError", no_table, [{}, [1], { a: { b: 1 } }]]);
  for (const [name, code, reason, values] of refused) {
    for (const value of values) {
      it(`refuse ${name} = ${encode(value)}, of a new server and of an existing one`, () => {
        const [server, problem] = read_server({ server: "10.0.0.1", [name]: value });
        expect(server).equal(undefined);
        expect(problem?.code).equal(code);
        expect(problem?.text).equal(`invalid "${name}": ${reason}`);
        const [change, problem_of_change] = read_server_change({ weight: 7, [name]: value });
        expect(change).equal(undefined);
        expect(problem_of_change).same(problem);
      });
    }
  }

  for (const name of [
    "id",
    "wieght",
    "leave_by",
    "row",
    "incarnation",
    "in_service",
    "",
    string.rep("y", 65),
  ]) {
    it(`refuse the unknown "${name}"`, () => {
      const [, problem] = read_server({ server: "10.0.0.1", [name]: 1 });
      expect(problem?.code).equal("UpstreamConfFormatError");
      expect(problem?.text).equal(`unknown parameter "${string.sub(name, 1, 64)}"`);
      expect(read_server_change({ [name]: 1 })[1]).same(problem);
    });
  }

  it("may name a route of up to 32 bytes", () => {
    for (const route of ["", "a", "two words", string.rep("r", 32)]) {
      expect(read_server({ server: "10.0.0.1", route })[0]?.route).equal(route);
    }
  });

  it("must contain the address, unless they change a server", () => {
    expect(read_server({})[1]?.text).equal('invalid "server": must be given');
    expect(changed(BASE, {})[0]).same(BASE);
  });

  it("change only the given members", () => {
    expect(changed(BASE, { weight: 4 })[0]).same({ ...BASE, weight: 4 });
    expect(changed(BASE, { route: "b" })[0]).same({ ...BASE, route: "b" });
    expect(changed({ ...BASE, route: "b" }, { weight: 4 })[0]?.route).equal("b");
    expect(changed(BASE, { drain: false })[0]).same({ ...BASE, drain: false });
    const limits = { max_conns: 5, max_fails: 0, fail_timeout: "1m", slow_start: "30s" };
    expect(changed(BASE, limits)[0]).same({ ...BASE, ...limits });
    expect(changed({ ...BASE, ...limits }, { weight: 4 })[0]).same({ ...BASE, ...limits, weight: 4 });
  });

  it("keep a drain job while the server drains", () => {
    const base: ServerConfig = { ...BASE, leave_by: "idle" };
    for (const change of [{}, { weight: 4 }, { drain: true }, { down: true, drain: true }]) {
      expect(changed(base, change)[0]?.leave_by).equal("idle");
    }
    for (const change of [{ drain: false }, { down: false }, { down: true }]) {
      expect(changed(base, change)[0]?.leave_by).equal("");
    }
  });

  it("may make the server a standby server, unless it is a backup server", () => {
    expect(read_server({ server: "10.0.0.1", standby: true })[0]?.standby).equal(true);
    expect(read_server({ server: "10.0.0.1", standby: false })[0]?.standby).equal(undefined);
    const text = 'invalid "standby": a backup server cannot be a standby server';
    expect(read_server({ server: "10.0.0.1", standby: true, backup: true })[1]?.text).equal(text);
    expect(changed({ ...BASE, backup: true }, { standby: true })[1]?.text).equal(text);
    expect(changed({ ...BASE, backup: true }, { standby: false })[1]).equal(undefined);
  });

  it("leave a server in service while it stays a standby server", () => {
    const base: ServerConfig = { ...BASE, standby: true, in_service: true };
    expect(changed(base, { weight: 4 })[0]).same({ ...base, weight: 4 });
    expect(changed(base, { standby: true })[0]).same(base);
    expect(changed(base, { standby: false })[0]).same(BASE);
    expect(changed(BASE, { standby: true })[0]).same({ ...BASE, standby: true });
    expect(carried_over({ ...BASE, standby: true, weight: 4 }, base)).same({ ...base, weight: 4 });
    expect(carried_over(BASE, base)).same(BASE);
  });

  it("determine whether the server receives all requests, only bound ones, or none", () => {
    const serving: ServerConfig = { ...BASE, drain: false };
    const all = [true, true];
    const bound_only = [false, true];
    const none = [false, false];
    const cases: [Partial<ServerConfig>, boolean[]][] = [
      [{}, all],
      [{ backup: true }, all],
      [{ down: true }, none],
      [{ drain: true }, bound_only],
      [{ down: true, drain: true }, none],
      [{ standby: true }, none],
      [{ standby: true, drain: true }, bound_only],
      [{ standby: true, in_service: true }, all],
      [{ standby: true, in_service: true, down: true }, none],
      [{ standby: true, in_service: true, drain: true }, bound_only],
    ];
    for (const [more, may] of cases) {
      const server = { ...serving, ...more };
      expect([may_serve(server), !serves_nobody(server)]).same(may);
    }
  });

  it("end draining when they set `down` to either value without `drain`", () => {
    expect(changed(BASE, { down: false })[0]).same({ ...BASE, drain: false });
    expect(changed(BASE, { down: true })[0]).same({ ...BASE, down: true, drain: false });
    expect(changed(BASE, { down: true, drain: true })[0]?.drain).equal(true);
  });

  it("cannot change `backup`, but may repeat its value", () => {
    expect(changed(BASE, { backup: false })[1]).equal(undefined);
    expect(changed(BASE, { backup: true })[1]?.text).contains('"backup"');
  });
});
