import { LOAD } from "../../../src/resty/sluice/config/load";
import { read_settings, settings_of, type UpstreamSettings } from "../../../src/resty/sluice/config/settings";
import { encode, json_null } from "../../../src/resty/sluice/lib/json";
import { expect } from "../support/expect";

const DEFAULTS = {
  target: 0.7,
  update: "1s",
  blackout: "10s",
  expiry: "3m",
  max_step_percent: 20,
  min_weight_percent: 5,
  error_penalty: 1,
};

describe("the load of an upstream", () => {
  const accepted: Record<string, unknown>[] = [
    {},
    { target: 0.01 },
    { target: 1 },
    { update: "100ms", blackout: "0s", expiry: "1s" },
    { update: "1h", blackout: "60m", expiry: "24h" },
    { max_step_percent: 1, min_weight_percent: 1, error_penalty: 0 },
    { max_step_percent: 100, min_weight_percent: 100, error_penalty: 1000 },
    { error_penalty: 0.5 },
    { utilization: "named_metrics.kv_cache_usage" },
    { utilization: "utilization.gpu" },
    { utilization: "request_cost.tokens" },
    { utilization: "mem_utilization" },
    { utilization: "$upstream_http_x_kv_cache_usage" },
    { utilization: `named_metrics.${string.rep("n", 114)}` },
  ];
  for (const input of accepted) {
    it(`may be ${encode(input)}`, () => {
      const [load] = LOAD.read("load", input);
      expect(load).same({ ...DEFAULTS, ...input });
      expect(LOAD.read("load", load)[0]).same(load);
    });
  }

  const NOTHING = json_null;
  const refused: [unknown, string][] = [
    [true, 'invalid "load": must be an object'],
    [["1s"], 'invalid "load": must be an object'],
    [{ targets: 0.7 }, 'unknown parameter "load.targets"'],
  ];
  const all: [name: string, reason: string, values: unknown[]][] = [
    ["target", "must be a number from 0.01 to 1", [0, 0.009, 1.01, -1, 0 / 0, "0.7", true, {}, NOTHING]],
    ["update", "must be a time from 100ms to 1h", ["99ms", "61m", "", "soon", NOTHING]],
    ["update", 'must be a time from 100ms to 1h, with a unit, such as "1s"', [1]],
    ["blackout", "must be a time from 0s to 1h", ["-1s", "61m", "", NOTHING]],
    ["blackout", 'must be a time from 0s to 1h, with a unit, such as "10s"', [10]],
    ["expiry", "must be a time from 1s to 1d", ["999ms", "25h", "0", "", NOTHING]],
    ["expiry", 'must be a time from 1s to 1d, with a unit, such as "180s"', [180]],
    ["max_step_percent", "must be a whole number from 1 to 100", [0, 101, 0.5, 0 / 0, "20", NOTHING]],
    ["min_weight_percent", "must be a whole number from 1 to 100", [0, 101, 5.5, 0 / 0, "5", NOTHING]],
    ["error_penalty", "must be a number from 0 to 1000", [-1, 1001, 0 / 0, 1 / 0, "1", false, NOTHING]],
  ];
  const SOURCE =
    'must be a metric such as "named_metrics.kv_cache_usage", or a variable such as "$upstream_http_x_kv_cache_usage"';
  all.push(
    [
      "utilization",
      SOURCE,
      ["kv_cache_usage", "named_metrics", "named_metrics.", "named_metrics.a b", "named_metrics.a,b", "eps"],
    ],
    ["utilization", SOURCE, ["$upstream_http_", "$http_x", "$upstream_http_X", "xcpu_utilization", "rps"]],
    ["utilization", "must be a non-empty string", ["", 1, true, {}, [], NOTHING]],
    ["utilization", "must not be longer than 128 bytes", [`named_metrics.${string.rep("n", 115)}`]],
    ["utilization", "must not contain control characters", ["named_metrics.a\n"]],
  );
  for (const [name, reason, values] of all) {
    for (const value of values) refused.push([{ [name]: value }, `invalid "load.${name}": ${reason}`]);
  }
  for (const [input, text] of refused) {
    it(`is refused if it is ${encode(input)}: ${text}`, () => {
      const [load, problem] = LOAD.read("load", input);
      expect(load).equal(undefined);
      expect([problem?.status, problem?.code, problem?.text]).same([400, "UpstreamConfFormatError", text]);
    });
  }

  it("is refused with `hash` and `ip_hash`", () => {
    for (const input of [{ method: "ip_hash" }, { method: "hash", hash: { key: "$uri" } }]) {
      const text = `invalid "load": cannot be combined with the method "${input.method}", which assigns requests by key`;
      expect(read_settings({ ...input, load: {} })[1]?.text).equal(text);
      const [base] = read_settings({ load: {} });
      expect(read_settings(input, base)[1]?.text).equal(text);
      expect(read_settings({ ...input, load: json_null }, base)[0]?.load).equal(undefined);
    }
    for (const method of ["round_robin", "least_conn", "random", "least_time"]) {
      const more = method === "least_time" ? { least_time: {} } : {};
      expect(read_settings({ method, ...more, load: {} })[0]?.load).same(DEFAULTS);
    }
  });

  it("is absent by default, is kept by other changes, is replaced as a whole, and is removed by null", () => {
    expect(read_settings({})[0]?.load).equal(undefined);
    const [base] = read_settings({ load: { target: 0.5 } });
    expect(read_settings({ panic_threshold: 5 }, base)[0]?.load).same({ ...DEFAULTS, target: 0.5 });
    expect(read_settings({ load: { update: "2s" } }, base)[0]?.load).same({ ...DEFAULTS, update: "2s" });
    expect(read_settings({ load: json_null }, base)[0]?.load).equal(undefined);
  });

  it("is shown with its members in a fixed order", () => {
    const [settings] = read_settings({ load: {} });
    expect(encode(settings_of(settings as UpstreamSettings).load)).equal(
      '{"target":0.7,"update":"1s","blackout":"10s","expiry":"3m","max_step_percent":20,' +
        '"min_weight_percent":5,"error_penalty":1}',
    );
  });
});
