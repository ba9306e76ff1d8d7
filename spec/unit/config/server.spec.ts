import { read_server, type ServerConfig } from "../../../src/resty/sluice/config/server";
import { expect } from "../support/expect";

const TIMES = { fail_timeout: "10s", slow_start: "0s" };
const BASE: ServerConfig = {
  server: "10.0.0.1:80",
  weight: 3,
  backup: false,
  down: false,
  drain: true,
  ...TIMES,
  route: "",
};

describe("a server's parameters", () => {
  it("have nginx's defaults", () => {
    expect(read_server({ server: "10.0.0.1" })[0]).same({
      server: "10.0.0.1:80",
      weight: 1,
      backup: false,
      down: false,
      drain: false,
      ...TIMES,
      route: "",
    });
  });

  it("keep the default of a time as it is spelled, seconds with their unit", () => {
    expect(read_server({ server: "10.0.0.1", fail_timeout: "10000ms" })[0]?.fail_timeout).equal("10000ms");
    expect(read_server({ server: "10.0.0.1", fail_timeout: 10, slow_start: "0" })[0]?.slow_start).equal("0s");
  });

  it("take numbers as strings of digits too, as the dashboard sends them", () => {
    expect(read_server({ server: "10.0.0.1", weight: "5", max_conns: "0", max_fails: "1" })[0]?.weight).equal(
      5,
    );
  });

  it("take the defaults of what does nothing yet, in any spelling", () => {
    for (const fail_timeout of ["10s", "10", 10, "10000ms"]) {
      expect(read_server({ server: "10.0.0.1", fail_timeout, slow_start: "0", route: "" })[1]).equal(
        undefined,
      );
    }
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
    ["max_conns", 1, "UpstreamBadMaxConns"],
    ["max_fails", 0, "UpstreamBadMaxFails"],
    ["fail_timeout", "11s", "UpstreamBadFailTimeout"],
    ["fail_timeout", "soon", "UpstreamBadFailTimeout"],
    ["slow_start", "1s", "UpstreamBadSlowStart"],
    ["route", string.rep("r", 33), "UpstreamBadRoute"],
    ["route", "a\tb", "UpstreamBadRoute"],
    ["route", "a\u007f", "UpstreamBadRoute"],
    ["route", 5, "UpstreamBadRoute"],
    ["route", {}, "UpstreamConfFormatError"],
    ["service", "http", "UpstreamBadService"],
    ["backup", "true", "UpstreamConfFormatError"],
    ["down", 1, "UpstreamConfFormatError"],
    ["drain", 0, "UpstreamConfFormatError"],
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

  it("must name the server, unless they change one", () => {
    expect(read_server({})[1]?.text).equal('missing "server" argument');
    expect(read_server({}, BASE)[0]).same(BASE);
  });

  it("change only what they name", () => {
    expect(read_server({ weight: 4 }, BASE)[0]).same({ ...BASE, weight: 4 });
    expect(read_server({ route: "b" }, BASE)[0]).same({ ...BASE, route: "b" });
    expect(read_server({ weight: 4 }, { ...BASE, route: "b" })[0]?.route).equal("b");
    expect(read_server({ drain: false }, BASE)[0]).same({ ...BASE, drain: false });
  });

  it("end draining when they set down, either way", () => {
    expect(read_server({ down: false }, BASE)[0]).same({ ...BASE, drain: false });
    expect(read_server({ down: true }, BASE)[0]).same({ ...BASE, down: true, drain: false });
    expect(read_server({ down: true, drain: true }, BASE)[0]?.drain).equal(true);
  });

  it("cannot change backup, but may repeat it", () => {
    expect(read_server({ backup: false }, BASE)[1]).equal(undefined);
    expect(read_server({ backup: true }, BASE)[1]?.text).contains('"backup"');
  });
});
