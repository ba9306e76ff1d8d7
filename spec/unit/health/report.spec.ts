import { read_report, report_for } from "../../../src/resty/sluice/health/report";
import { decode, encode, json_null } from "../../../src/resty/sluice/lib/json";
import { expect } from "../support/expect";

const FULL = {
  utilization: 0.42,
  connections: 17,
  in_flight: 12,
  latency: 35,
  rps: 310.5,
  eps: 0.2,
  state: "up",
  time: "2026-01-01T00:00:00.250Z",
};

describe("a report", () => {
  it("may have every member", () => {
    expect(read_report("", FULL)[0]).same({ ...FULL, time: 1767225600.25 });
  });

  const accepted: object[] = [
    { utilization: 0 },
    { utilization: 1e12 },
    { connections: 0 },
    { rps: 0.001 },
    { eps: 7 },
    { state: "up" },
    { state: "drain" },
    { state: "down" },
    { utilization: 3.5, state: "drain" },
  ];
  for (const input of accepted) {
    it(`may be ${encode(input)}`, () => {
      expect(read_report("", input)[0]).same(input);
    });
  }

  const NUMBER = "must be a number from 0 to 1000000000000";
  const TIME = 'must be a time such as "2026-01-01T00:00:00.000Z"';
  const NOTHING = 'invalid "utilization": must be given';
  const refused: [unknown, string][] = [
    [{}, NOTHING],
    [{ time: FULL.time }, NOTHING],
    [{ load: 0.5 }, 'unknown parameter "load"'],
    [{ utilization: 0.5, Utilization: 0.5 }, 'unknown parameter "Utilization"'],
    [{ utilization: 0.5, "": 1 }, 'unknown parameter ""'],
    [{ state: "UP" }, 'invalid "state": must be one of "up", "drain", "down"'],
    [{ state: "draining" }, 'invalid "state": must be one of "up", "drain", "down"'],
    [{ state: true }, 'invalid "state": must be one of "up", "drain", "down"'],
    [{ state: json_null }, 'invalid "state": must be one of "up", "drain", "down"'],
  ];
  for (const name of ["utilization", "connections", "rps", "eps"]) {
    for (const value of [-1, -1e-9, 1.1e12, 1 / 0, -1 / 0, 0 / 0, "0.5", "", true, {}, [0.5], json_null])
      refused.push([{ [name]: value }, `invalid "${name}": ${NUMBER}`]);
  }
  for (const time of [0, 1767225600, "", "now", "2026-01-01", "2026-01-01T00:00:00", true, {}, json_null])
    refused.push([{ utilization: 0.5, time }, `invalid "time": ${TIME}`]);
  for (const [input, text] of refused) {
    it(`is refused if it is ${encode(input)}: ${text}`, () => {
      const [report, problem] = read_report("", input);
      expect(report).equal(undefined);
      expect([problem?.status, problem?.code]).same([400, "UpstreamConfFormatError"]);
      expect(problem?.text).equal(text);
    });
  }

  it("cannot contain a number that is infinite or not valid JSON", () => {
    for (const text of ["NaN", "Infinity", "-Infinity", "nan", "0x1", "1e999", "-1e999", ".5", "+1"]) {
      const [input] = decode(`{"utilization":${text}}`);
      expect(input === undefined || read_report("", input)[0] === undefined).equal(true);
    }
  });

  it("is named by its path in errors when it is inside another object", () => {
    const texts: [unknown, string][] = [
      [5, 'invalid "a.report": must be an object'],
      [json_null, 'invalid "a.report": must be an object'],
      [[0.5], 'invalid "a.report": must be an object'],
      [{}, 'invalid "a.report.utilization": must be given'],
      [{ x: 1 }, 'unknown parameter "a.report.x"'],
      [{ rps: "1" }, `invalid "a.report.rps": ${NUMBER}`],
    ];
    for (const [input, text] of texts) expect(read_report("a.report", input)[1]?.text).equal(text);
  });

  it("has a latency only for the method that uses it", () => {
    const report = { in_flight: 3, latency: 35 };
    expect(report_for("least_load", report)).same({ in_flight: 3, latency: 35 });
    expect(report_for("least_time", report)).same({ in_flight: 3 });
    expect(report.latency).equal(35);
  });
});
