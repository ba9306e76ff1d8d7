import {
  compares_success_rates,
  OUTLIER_DETECTION,
  type OutlierConfig,
} from "../../../src/resty/sluice/config/outlier";
import { encode, json_null } from "../../../src/resty/sluice/lib/json";
import { expect } from "../support/expect";

const DEFAULTS = {
  consecutive_5xx: 5,
  consecutive_gateway_failure: 0,
  interval: "10s",
  base_ejection_time: "30s",
  max_ejection_time: "300s",
  max_ejection_percent: 10,
  success_rate_minimum_hosts: 0,
  success_rate_request_volume: 0,
  success_rate_stdev_factor: 0,
};
const RATED = {
  ...DEFAULTS,
  success_rate_minimum_hosts: 5,
  success_rate_request_volume: 100,
  success_rate_stdev_factor: 1900,
};
const ANOMALIES = {
  anomaly_minimum_hosts: 3,
  anomaly_request_volume: 50,
  anomaly_error_percent: 10,
  anomaly_latency_percent: 200,
  step_down_percent: 20,
  step_up_percent: 5,
  min_weight_percent: 1,
};

describe("outlier detection", () => {
  const accepted: [Record<string, unknown>, Record<string, unknown>][] = [
    [{}, DEFAULTS],
    [{ consecutive_5xx: 0 }, { ...DEFAULTS, consecutive_5xx: 0 }],
    [{ consecutive_gateway_failure: 3 }, { ...DEFAULTS, consecutive_gateway_failure: 3 }],
    [
      { interval: "1h", max_ejection_percent: 100 },
      { ...DEFAULTS, interval: "1h", max_ejection_percent: 100 },
    ],
    [
      { base_ejection_time: "1m", max_ejection_time: "1m" },
      { ...DEFAULTS, base_ejection_time: "1m", max_ejection_time: "1m" },
    ],
    [{ base_ejection_time: "10m" }, { ...DEFAULTS, base_ejection_time: "10m", max_ejection_time: "10m" }],
    [{ success_rate_minimum_hosts: 5 }, RATED],
    [{ success_rate_request_volume: 100 }, RATED],
    [{ success_rate_stdev_factor: 1900 }, RATED],
    [{ success_rate_minimum_hosts: 3 }, { ...RATED, success_rate_minimum_hosts: 3 }],
    [{ success_rate_stdev_factor: 0 }, { ...RATED, success_rate_stdev_factor: 0 }],
    [{ mode: "eject" }, { ...DEFAULTS, mode: "eject" }],
    [{ mode: "detect" }, { ...DEFAULTS, ...ANOMALIES, mode: "detect" }],
    [{ mode: "degrade" }, { ...DEFAULTS, ...ANOMALIES, mode: "degrade", consecutive_5xx: 0 }],
    [
      { mode: "degrade", consecutive_5xx: 5, anomaly_minimum_hosts: 5, anomaly_latency_percent: 0 },
      { ...DEFAULTS, ...ANOMALIES, mode: "degrade", anomaly_minimum_hosts: 5, anomaly_latency_percent: 0 },
    ],
    [
      { mode: "detect", anomaly_latency_percent: 101, step_up_percent: 100 },
      { ...DEFAULTS, ...ANOMALIES, mode: "detect", anomaly_latency_percent: 101, step_up_percent: 100 },
    ],
  ];
  for (const [input, config] of accepted) {
    it(`may be ${encode(input)}`, () => {
      expect(OUTLIER_DETECTION.read("outlier_detection", input)[0]).same(config);
      expect(OUTLIER_DETECTION.read("outlier_detection", config)[0]).same(config);
    });
  }

  it("compares success rates if one of their limits is given and none is 0", () => {
    const compares = (input: object) =>
      compares_success_rates(OUTLIER_DETECTION.read("outlier_detection", input)[0] as OutlierConfig);
    expect(compares({})).equal(false);
    for (const name of ["minimum_hosts", "request_volume", "stdev_factor"]) {
      expect(compares({ [`success_rate_${name}`]: 3 })).equal(true);
      expect(compares({ success_rate_minimum_hosts: 3, [`success_rate_${name}`]: 0 })).equal(false);
    }
  });

  const refused: [unknown, string][] = [
    [true, 'invalid "outlier_detection": must be an object'],
    [{ consecutive_5xxs: 5 }, 'unknown parameter "outlier_detection.consecutive_5xxs"'],
    [{ consecutive_5xx: -1 }, 'invalid "outlier_detection.consecutive_5xx": must be a whole number'],
    [{ consecutive_5xx: "5" }, 'invalid "outlier_detection.consecutive_5xx":'],
    [{ consecutive_gateway_failure: 1.5 }, 'invalid "outlier_detection.consecutive_gateway_failure":'],
    [{ interval: "99ms" }, 'invalid "outlier_detection.interval": must be a time from 100ms to 1h'],
    [{ base_ejection_time: "0s" }, 'invalid "outlier_detection.base_ejection_time":'],
    [{ max_ejection_time: 300 }, 'invalid "outlier_detection.max_ejection_time":'],
    [
      { base_ejection_time: "31s", max_ejection_time: "30s" },
      'invalid "outlier_detection.max_ejection_time": must not be less than "base_ejection_time"',
    ],
    [{ max_ejection_time: "29s" }, 'invalid "outlier_detection.max_ejection_time": must not be less than'],
    [
      { max_ejection_percent: 101 },
      '"outlier_detection.max_ejection_percent": must be a whole number from 0 to 100',
    ],
    [{ success_rate_minimum_hosts: -5 }, 'invalid "outlier_detection.success_rate_minimum_hosts":'],
    [{ success_rate_request_volume: json_null }, '"outlier_detection.success_rate_request_volume":'],
    [{ mode: "shadow" }, 'invalid "outlier_detection.mode":'],
    [
      { anomaly_minimum_hosts: 3 },
      'invalid "outlier_detection.anomaly_minimum_hosts": needs the "mode" "degrade" or "detect"',
    ],
    [{ mode: "eject", step_up_percent: 5 }, 'invalid "outlier_detection.step_up_percent": needs the "mode"'],
    [
      { mode: "degrade", anomaly_minimum_hosts: 2 },
      '"outlier_detection.anomaly_minimum_hosts": must be a whole number from 3',
    ],
    [{ mode: "degrade", anomaly_request_volume: 0 }, '"outlier_detection.anomaly_request_volume":'],
    [{ mode: "degrade", anomaly_error_percent: 101 }, '"outlier_detection.anomaly_error_percent":'],
    [
      { mode: "detect", anomaly_latency_percent: 100 },
      'invalid "outlier_detection.anomaly_latency_percent": must be 0 or above 100',
    ],
    [{ mode: "detect", anomaly_latency_percent: 10001 }, '"outlier_detection.anomaly_latency_percent":'],
    [{ mode: "degrade", step_down_percent: 0 }, '"outlier_detection.step_down_percent":'],
    [{ mode: "degrade", step_up_percent: 101 }, '"outlier_detection.step_up_percent":'],
    [{ mode: "degrade", min_weight_percent: 0 }, '"outlier_detection.min_weight_percent":'],
    [{ success_rate_stdev_factor: 1.9 }, 'invalid "outlier_detection.success_rate_stdev_factor":'],
  ];
  for (const [input, text] of refused) {
    it(`is not ${encode(input)}`, () => {
      const [config, problem] = OUTLIER_DETECTION.read("outlier_detection", input);
      expect(config).equal(undefined);
      expect(problem?.code).equal("UpstreamConfFormatError");
      expect(problem?.text).contains(text);
    });
  }
});
