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
  named_metrics: { kv_cache_usage: 0.5, "a.b": 7 },
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
    { named_metrics: { kv: 0 } },
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
  const METRICS = 'invalid "named_metrics": must be an object with 1 to 64 numbers';
  const many: Record<string, number> = {};
  for (const number of $range(1, 65)) many[`m${number}`] = number;
  for (const metrics of [5, true, "kv", {}, [], [0.5], json_null, many])
    refused.push([{ named_metrics: metrics }, METRICS]);
  for (const value of [-1, 1.1e12, 0 / 0, "0.5", true, {}, json_null])
    refused.push([{ named_metrics: { kv: value } }, `invalid "named_metrics.kv": ${NUMBER}`]);
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
    expect(report_for("least_load", undefined, report)).same({ in_flight: 3, latency: 35 });
    expect(report_for("least_time", undefined, report)).same({ in_flight: 3 });
    expect(report.latency).equal(35);
  });

  it("has the metrics that options name instead of its own members", () => {
    const report = { utilization: 0.9, in_flight: 1, named_metrics: { kv: 0.25, "q.all": 7, ms: 40 } };
    const sources = {
      utilization: "named_metrics.kv",
      in_flight: "named_metrics.q.all",
      latency: "named_metrics.ms",
    };
    expect(report_for("least_load", sources, report)).same({ utilization: 0.25, in_flight: 7, latency: 40 });
    expect(report_for("round_robin", sources, report)).same({ utilization: 0.25, in_flight: 7 });
  });

  it("keeps its own members if it does not have the metrics, or no option names them", () => {
    const report = { utilization: 0.9, named_metrics: { kv: 0.25 } };
    for (const utilization of ["named_metrics.other", "utilization.kv", "$upstream_http_kv", undefined])
      expect(report_for("round_robin", { utilization }, report)).same({ utilization: 0.9 });
    expect(report_for("round_robin", undefined, { named_metrics: { kv: 0.25 } })).same({});
  });
});
