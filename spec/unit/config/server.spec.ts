import {
  carried_over,
  changed_server,
  may_serve,
  read_server,
  read_server_change,
  serves_nobody,
  type ServerConfig,
} from "../../../src/resty/sluice/config/server";
import { json_null } from "../../../src/resty/sluice/lib/json";
import { expect } from "../support/expect";

const LIMITS = { max_conns: 0, max_fails: 1, fail_timeout: "10s", slow_start: "0s" };
const BASE: ServerConfig = {
  server: "10.0.0.1:80",
  weight: 3,
  backup: false,
  down: false,
  drain: true,
  ...LIMITS,
  route: "",
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

  it("may be as large as nginx's", () => {
    const largest = 2147483647;
    const limits = { weight: largest, max_conns: largest, max_fails: largest };
    const [server] = read_server({ server: "10.0.0.1", ...limits });
    expect([server?.weight, server?.max_conns, server?.max_fails]).same([largest, largest, largest]);
  });

  const refused: [string, unknown, string][] = [
    ["weight", 0, "UpstreamBadWeight"],
    ["weight", -1, "UpstreamBadWeight"],
    ["weight", 1.5, "UpstreamBadWeight"],
    ["weight", 2147483648, "UpstreamBadWeight"],
    ["weight", 1e300, "UpstreamBadWeight"],
    ["weight", "", "UpstreamBadWeight"],
    ["weight", "1x", "UpstreamBadWeight"],
    ["weight", true, "UpstreamBadWeight"],
    ["max_conns", -1, "UpstreamBadMaxConns"],
    ["max_conns", 0.5, "UpstreamBadMaxConns"],
    ["max_conns", 2147483648, "UpstreamBadMaxConns"],
    ["max_conns", "1e3", "UpstreamBadMaxConns"],
    ["max_conns", 0 / 0, "UpstreamBadMaxConns"],
    ["max_fails", -1, "UpstreamBadMaxFails"],
    ["max_fails", "", "UpstreamBadMaxFails"],
    ["max_fails", false, "UpstreamBadMaxFails"],
    ["fail_timeout", "soon", "UpstreamBadFailTimeout"],
    ["fail_timeout", "", "UpstreamBadFailTimeout"],
    ["fail_timeout", -1, "UpstreamBadFailTimeout"],
    ["fail_timeout", 1.5, "UpstreamBadFailTimeout"],
    ["fail_timeout", true, "UpstreamBadFailTimeout"],
    ["slow_start", "1s 1m", "UpstreamBadSlowStart"],
    ["slow_start", "99999999d", "UpstreamBadSlowStart"],
    ["leave_by", "idle", "UpstreamConfFormatError"],
    ["route", string.rep("r", 33), "UpstreamBadRoute"],
    ["route", "a\tb", "UpstreamBadRoute"],
    ["route", "a\u007f", "UpstreamBadRoute"],
    ["route", 5, "UpstreamBadRoute"],
    ["route", {}, "UpstreamConfFormatError"],
    ["service", "http", "UpstreamBadService"],
    ["service", json_null, "UpstreamBadService"],
    ["backup", "true", "UpstreamConfFormatError"],
    ["down", 1, "UpstreamConfFormatError"],
    ["drain", 0, "UpstreamConfFormatError"],
    ["standby", 1, "UpstreamConfFormatError"],
    ["standby", "true", "UpstreamConfFormatError"],
    ["standby", json_null, "UpstreamConfFormatError"],
    ["in_service", true, "UpstreamConfFormatError"],
    ["weight", {}, "UpstreamConfFormatError"],
    ["id", 7, "UpstreamConfFormatError"],
    ["wieght", 1, "UpstreamConfFormatError"],
  ];
  for (const [name, value, code] of refused) {
    it(`refuse ${name} = ${tostring(value)}`, () => {
      const [server, problem] = read_server({ server: "10.0.0.1", [name]: value });
      expect(server).equal(undefined);
      expect(problem?.code).equal(code);
      expect(problem?.text).contains(`"${name}"`);
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
