import { parse_load_metrics } from "../../../src/resty/sluice/health/orca";
import { expect } from "../support/expect";
import { expect_quick } from "../support/quick";

const NO_FORM = "neither TEXT nor JSON";
const not_number = (name: string) => `"${name}" is not a number from 0 to 1000000000000`;

describe("the header endpoint-load-metrics", () => {
  const accepted: [string, object][] = [
    ["TEXT cpu_utilization=0.3", { utilization: 0.3 }],
    ["TEXT cpu_utilization:0.3", { utilization: 0.3 }],
    ["TEXT cpu_utilization=0", { utilization: 0 }],
    ["TEXT cpu_utilization=1.7", { utilization: 1.7 }],
    ["TEXT cpu_utilization=3e-1,rps=2E2", { utilization: 0.3, rps: 200 }],
    ["  TEXT \t cpu_utilization = 0.3 , eps = 2 ", { utilization: 0.3, eps: 2 }],
    ["TEXT cpu_utilization=0.3,application_utilization=0.5", { utilization: 0.5 }],
    ["TEXT cpu_utilization=0.3,application_utilization=0", { utilization: 0.3 }],
    ["TEXT application_utilization=0", { utilization: 0 }],
    ["TEXT mem_utilization=0.9,cpu_utilization=0.1", { utilization: 0.1 }],
    [
      "TEXT cpu_utilization=0.1,rps=10,rps_fractional=10.5,eps=0.5",
      { utilization: 0.1, rps: 10.5, eps: 0.5 },
    ],
    [
      "TEXT cpu_utilization=0.1,named_metrics.queue=12,utilization.disk=0.5,request_cost.a.b=3",
      { utilization: 0.1 },
    ],
    ['JSON {"cpu_utilization":0.3}', { utilization: 0.3 }],
    ['JSON {"cpuUtilization":0.3,"rpsFractional":5,"eps":1}', { utilization: 0.3, rps: 5, eps: 1 }],
    ['JSON {"application_utilization": 0.25, "mem_utilization": 1}', { utilization: 0.25 }],
    [
      'JSON {"cpuUtilization":0.3,"namedMetrics":{"queueLength":12},"utilization":{},"requestCost":{"x":1}}',
      { utilization: 0.3 },
    ],
    // Whole numbers of 64 bits are strings in protobuf's JSON. A field without a value may be null or absent.
    ['JSON {"cpuUtilization":0.3,"rps":"310"}', { utilization: 0.3, rps: 310 }],
    ['JSON {"cpuUtilization":0.3,"eps":null,"namedMetrics":null}', { utilization: 0.3 }],
    ['JSON {"cpuUtilization":null,"rps":"5","eps":1}', { rps: 5, eps: 1 }],
    ['JSON {"namedMetrics":{"queueLength":12}}', {}],
    ["JSON {}", {}],
    ["TEXT mem_utilization=0.3,eps=1", { eps: 1 }],
    ["TEXT named_metrics.queue=12", {}],
  ];
  for (const [value, report] of accepted) {
    it(`may be ${value}`, () => {
      const [read, reason] = parse_load_metrics(value);
      expect(read).same(report);
      expect(reason).equal(undefined);
    });
  }

  const named: [name: string, value: string, utilization: number | undefined][] = [
    ["named_metrics.kv", "TEXT application_utilization=0.9,named_metrics.kv=0.25", 0.25],
    ["named_metrics.kv", 'JSON {"cpuUtilization":0.9,"namedMetrics":{"kv":0.25}}', 0.25],
    ["named_metrics.kv", 'JSON {"named_metrics":{"kv":0}}', 0],
    ["named_metrics.a.b", "TEXT named_metrics.a.b=0.5", 0.5],
    ["utilization.disk", "TEXT cpu_utilization=0.9,utilization.disk=0.5", 0.5],
    ["mem_utilization", "TEXT cpu_utilization=0.9,mem_utilization=0.5", 0.5],
    ["cpu_utilization", "TEXT cpu_utilization=0.1,application_utilization=0.5", 0.1],
    ["named_metrics.kv", "TEXT application_utilization=0.9,named_metrics.KV=0.25", undefined],
    ["$upstream_http_x_kv", "TEXT application_utilization=0.9", undefined],
  ];
  for (const [utilization, value, expected] of named) {
    it(`has the utilization ${tostring(expected)} if that is ${utilization} of ${value}`, () => {
      expect(parse_load_metrics(value, { utilization })[0]?.utilization).equal(expected);
    });
  }

  const refused: [string, string][] = [
    ["", NO_FORM],
    ["TEXT", NO_FORM],
    ["cpu_utilization=0.3", NO_FORM],
    ["text cpu_utilization=0.3", NO_FORM],
    ["TEXTcpu_utilization=0.3", NO_FORM],
    ["BIN CQAAAAAAAOA/", NO_FORM],
    ["YAML cpu_utilization: 0.3", NO_FORM],
    ["TEXT hello", '"hello" is not name=value'],
    ["TEXT =", 'unknown metric ""'],
    ["TEXT =0.3", 'unknown metric ""'],
    ["TEXT cpu=0.3", 'unknown metric "cpu"'],
    ["TEXT cpu_utilization=0.3,load=1", 'unknown metric "load"'],
    ["TEXT cpuUtilization=0.3", 'unknown metric "cpuUtilization"'],
    ["TEXT named_metrics=0.3", 'unknown metric "named_metrics"'],
    ["TEXT named_metrics.=0.3", 'unknown metric "named_metrics."'],
    ["TEXT metrics.a=0.3", 'unknown metric "metrics.a"'],
    ["TEXT cpu_utilization.a=0.3", 'unknown metric "cpu_utilization.a"'],
    [`TEXT ${string.rep("n", 100)}=1`, `unknown metric "${string.rep("n", 64)}"`],
    ["TEXT cpu_utilization=0.3,cpu_utilization=0.3", 'duplicate metric "cpu_utilization"'],
    ["TEXT cpu_utilization=0.3, TEXT cpu_utilization=0.3", 'unknown metric "TEXT cpu_utilization"'],
    ["TEXT cpu_utilization=0.3,named_metrics.a=1,named_metrics.a=1", 'duplicate metric "named_metrics.a"'],
    ['JSON {"cpuUtilization":0.3,"cpu_utilization":0.3}', 'duplicate metric "cpu_utilization"'],
    ["TEXT cpu_utilization=0.3,eps=-1", not_number("eps")],
    ["TEXT cpu_utilization=0.3,named_metrics.a=x", not_number("named_metrics.a")],
    ["JSON", NO_FORM],
    ["JSON 5", "not a JSON object"],
    ["JSON null", "not a JSON object"],
    ['JSON {"cpuUtilization":0.3', "not a JSON object"],
    ["JSON {'cpuUtilization':0.3}", "not a JSON object"],
    ['JSON {"cpuUtilization":NaN}', "not a JSON object"],
    ["JSON [0.3]", 'unknown metric "1"'],
    ['JSON {"load":0.3}', 'unknown metric "load"'],
    ['JSON {"namedMetrics":0.3}', 'unknown metric "named_metrics"'],
    ['JSON {"cpuUtilization":{"a":1}}', 'unknown metric "cpu_utilization.a"'],
    ['JSON {"cpuUtilization":0.3,"namedMetrics":{"a":"b"}}', not_number("named_metrics.a")],
    ['JSON {"namedMetrics":{"rps":"3"}}', not_number("named_metrics.rps")],
    ['JSON {"namedMetrics":{"a":null}}', not_number("named_metrics.a")],
    ['JSON {"rps":"3.5"}', not_number("rps")],
    ['JSON {"rps":"-3"}', not_number("rps")],
    ['JSON {"rps":"0x10"}', not_number("rps")],
    ['JSON {"rps":"18446744073709551615"}', not_number("rps")],
    ['JSON {"rps":""}', not_number("rps")],
    ['JSON {"cpuUtilization":0.3,"namedMetrics":{"a":{"b":1}}}', not_number("named_metrics.a")],
  ];
  for (const value of [
    "",
    "x",
    ".",
    "-0.1",
    "NaN",
    "nan",
    "-nan",
    "inf",
    "Infinity",
    "1e999",
    "0x10",
    "0.3.1",
    "1e",
    "0,3",
  ]) {
    refused.push([
      `TEXT cpu_utilization=${value}`,
      value === "0,3" ? '"3" is not name=value' : not_number("cpu_utilization"),
    ]);
  }
  for (const value of ['"0.3"', "true", "-0.1"])
    refused.push([`JSON {"cpuUtilization":${value}}`, not_number("cpu_utilization")]);
  for (const [value, reason] of refused) {
    it(`is not ${string.sub(value, 1, 80)}`, () => {
      const [report, found] = parse_load_metrics(value);
      expect(report).equal(undefined);
      expect(found).equal(reason);
    });
  }

  it("has at most 4096 bytes", () => {
    const rest = "TEXT cpu_utilization=0.3,named_metrics.=1".length;
    const of_length = (length: number) =>
      `TEXT cpu_utilization=0.3,named_metrics.${string.rep("n", length - rest)}=1`;
    expect(parse_load_metrics(of_length(4096))[0]).same({ utilization: 0.3 });
    expect(parse_load_metrics(of_length(4097))[1]).equal("longer than 4096 bytes");
  });

  it("is refused when a number is infinite or larger than other reports allow", () => {
    for (const value of [
      'JSON {"cpuUtilization":1e999}',
      "TEXT cpu_utilization=1e308",
      "TEXT cpu_utilization=1e13",
    ])
      expect(parse_load_metrics(value)[0]).equal(undefined);
    expect(parse_load_metrics("TEXT cpu_utilization=1e12")[0]).same({ utilization: 1e12 });
  });

  it("takes linear time to read, whatever it contains", () => {
    const hostile = [
      `TEXT a${string.rep(" ", 4080)}b`,
      `TEXT a=${string.rep(" ", 4080)}b`,
      `TEXT rps=${string.rep("1", 4080)}x`,
      `TEXT ${string.rep(" ", 4080)}x`,
    ];
    expect_quick(() => {
      for (const _ of $range(1, 50)) {
        for (const value of hostile) expect(parse_load_metrics(value)[0]).equal(undefined);
      }
    });
  });
});
