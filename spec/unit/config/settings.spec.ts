import { have_equal } from "../../../src/resty/sluice/config/block";
import {
  read_settings,
  SETTINGS,
  settings_of,
  type UpstreamSettings,
} from "../../../src/resty/sluice/config/settings";
import { decode, encode, json_null } from "../../../src/resty/sluice/lib/json";
import { expect } from "../support/expect";

const ALL: UpstreamSettings = {
  method: "least_conn",
  health_check: {
    type: "tcp",
    interval: "5s",
    jitter: "0s",
    timeout: "1s",
    fails: 3,
    passes: 1,
    mandatory: false,
    persistent: false,
  } as UpstreamSettings["health_check"] & object,
  panic_threshold: 50,
  retries: { tries: 3, timeout: "10s", budget: { percent: 20, min_concurrent: 3 } },
  queue: { size: 100, timeout: "60s" },
};

describe("an upstream's settings", () => {
  const accepted: [Record<string, unknown>, object][] = [
    [{}, {}],
    [{ panic_threshold: 0 }, { panic_threshold: 0 }],
    [{ panic_threshold: 100 }, { panic_threshold: 100 }],
    [{ retries: {} }, { retries: {} }],
    [{ retries: { tries: 1 } }, { retries: { tries: 1 } }],
    [{ retries: { timeout: "10s" } }, { retries: { timeout: "10s" } }],
    [{ retries: { budget: {} } }, { retries: { budget: { percent: 20, min_concurrent: 3 } } }],
    [
      { retries: { tries: 100, budget: { percent: 0, min_concurrent: 0 } } },
      { retries: { tries: 100, budget: { percent: 0, min_concurrent: 0 } } },
    ],
    [{ zones: {} }, { zones: { prefer: true, min_servers: 1 } }],
    [{ zones: { prefer: false, min_servers: 9 } }, { zones: { prefer: false, min_servers: 9 } }],
    [{ adaptive_limit: {} }, { adaptive_limit: { min: 1, max: 1000, tolerance: 1.5 } }],
    [{ queue: { size: 1 } }, { queue: { size: 1, timeout: "60s" } }],
    [{ queue: { size: 100000, timeout: "500ms" } }, { queue: { size: 100000, timeout: "500ms" } }],
    [
      {
        health_check: json_null,
        outlier_detection: json_null,
        panic_threshold: json_null,
        retries: json_null,
        queue: json_null,
      },
      {},
    ],
  ];
  for (const [input, settings] of accepted) {
    it(`may be ${encode(input)}`, () => {
      expect(read_settings(input)[0]).same({ method: "round_robin", ...settings });
    });
  }

  const refused: [Record<string, unknown>, string][] = [
    [{ method: "best" }, 'invalid "method":'],
    [{ health_check: { port: 0 } }, 'invalid "health_check.port":'],
    [{ outlier_detection: 5 }, 'invalid "outlier_detection":'],
    [
      { method: "ip_hash", outlier_detection: { mode: "degrade" } },
      'invalid "outlier_detection.mode": "degrade" cannot be combined with the method "ip_hash"',
    ],
    [
      { method: "hash", hash: { key: "$uri" }, outlier_detection: { mode: "degrade" } },
      'invalid "outlier_detection.mode": "degrade" cannot be combined with the method "hash"',
    ],
    [{ retries: 3 }, 'invalid "retries": must be an object'],
    [{ retries: { trys: 3 } }, 'unknown parameter "retries.trys"'],
    [{ retries: { tries: 0 } }, 'invalid "retries.tries": must be a whole number from 1 to 100'],
    [{ retries: { tries: 101 } }, 'invalid "retries.tries":'],
    [{ retries: { tries: json_null } }, 'invalid "retries.tries":'],
    [{ retries: { timeout: "0" } }, 'invalid "retries.timeout": must be a time from 1ms'],
    [{ retries: { timeout: 10 } }, 'invalid "retries.timeout":'],
    [{ retries: { budget: 20 } }, 'invalid "retries.budget": must be an object'],
    [{ retries: { budget: { percent: 101 } } }, 'invalid "retries.budget.percent":'],
    [{ retries: { budget: { min_concurrent: -1 } } }, 'invalid "retries.budget.min_concurrent":'],
    [{ retries: { budget: { max: 1 } } }, 'unknown parameter "retries.budget.max"'],
    [{ zones: "eu-1a" }, 'invalid "zones": must be an object'],
    [{ zones: { prefer: "yes" } }, 'invalid "zones.prefer":'],
    [{ zones: { min_servers: 0.5 } }, 'invalid "zones.min_servers": must be a whole number from 1 to 100000'],
    [{ zones: { own: "eu-1a" } }, 'unknown parameter "zones.own"'],
    [{ adaptive_limit: 10 }, 'invalid "adaptive_limit": must be an object'],
    [
      { adaptive_limit: { min: 0 } },
      'invalid "adaptive_limit.min": must be a whole number from 1 to 1000000',
    ],
    [
      { adaptive_limit: { max: 0 } },
      'invalid "adaptive_limit.max": must be a whole number from 1 to 1000000',
    ],
    [{ adaptive_limit: { min: 9, max: 8 } }, 'invalid "adaptive_limit.max": must not be less than "min"'],
    [{ adaptive_limit: { min: 2000 } }, 'invalid "adaptive_limit.min": must not be more than "max"'],
    [
      { adaptive_limit: { tolerance: 1 } },
      'invalid "adaptive_limit.tolerance": must be a number from 1.1 to 10',
    ],
    [{ adaptive_limit: { most: 9 } }, 'unknown parameter "adaptive_limit.most"'],
    [{ queue: 100 }, 'invalid "queue": must be an object'],
    [{ queue: {} }, 'invalid "queue.size": must be given'],
    [{ queue: { size: 0 } }, 'invalid "queue.size": must be a whole number from 1 to 100000'],
    [{ queue: { size: 100001 } }, 'invalid "queue.size":'],
    [{ queue: { size: 1, timeout: "0s" } }, 'invalid "queue.timeout":'],
    [{ queue: { size: 1, length: 2 } }, 'unknown parameter "queue.length"'],
  ];
  for (const percent of [-1, 101, 0.5, "50", true, {}]) {
    refused.push([
      { panic_threshold: percent },
      'invalid "panic_threshold": must be a whole number from 0 to 100',
    ]);
  }
  for (const [input, text] of refused) {
    it(`are not ${encode(input)}`, () => {
      const [settings, problem] = read_settings(input);
      expect(settings).equal(undefined);
      expect(problem?.code).equal("UpstreamConfFormatError");
      expect(problem?.text).contains(text);
    });
  }

  it("keep the members that a change does not contain", () => {
    expect(read_settings({}, ALL)[0]).same(ALL);
    expect(read_settings({ panic_threshold: 10 }, ALL)[0]).same({ ...ALL, panic_threshold: 10 });
  });

  it("have a whole block replaced by a change, or removed with null", () => {
    expect(read_settings({ retries: { tries: 2 } }, ALL)[0]).same({ ...ALL, retries: { tries: 2 } });
    const [check] = read_settings({ health_check: { type: "tcp" } }, ALL);
    expect(check?.health_check?.fails).equal(1);
    const [nothing] = read_settings(
      { health_check: json_null, panic_threshold: json_null, retries: json_null, queue: json_null },
      ALL,
    );
    expect(nothing).same({ method: "least_conn" });
  });

  const texts = [
    '{"method":"round_robin","health_check":{"type":"http","uri":"\\/","port":9,"interval":"5s","jitter":"0s",' +
      '"timeout":"1s","fails":1,"passes":1,"mandatory":false,"persistent":false,"match":{"status":"200",' +
      '"headers":{"a":"","b":"x"},"body":"ok"},"keepalive_time":"60s"}}',
    '{"method":"ip_hash","outlier_detection":{"consecutive_5xx":5,"consecutive_gateway_failure":0,' +
      '"interval":"10s","base_ejection_time":"30s","max_ejection_time":"300s","max_ejection_percent":10,' +
      '"success_rate_minimum_hosts":0,"success_rate_request_volume":0,"success_rate_stdev_factor":0},' +
      '"panic_threshold":50,"retries":{"tries":3,"timeout":"10s","budget":{"percent":20,"min_concurrent":3}},' +
      '"queue":{"size":100,"timeout":"60s"}}',
  ];
  for (const text of texts) {
    it(`are written as ${text}, from a request and from a document`, () => {
      const input = decode(text)[0] as Record<string, unknown>;
      expect(encode(settings_of(read_settings(input)[0] as UpstreamSettings))).equal(text);
      expect(encode(settings_of(decode(text)[0] as UpstreamSettings))).equal(text);
    });
  }

  it("are equal in two versions of a document if no setting differs", () => {
    const stored = decode(encode(ALL))[0] as UpstreamSettings;
    expect(have_equal(SETTINGS, ALL, { ...stored, revision: 7 })).equal(true);
    expect(have_equal(SETTINGS, ALL, { ...stored, owner: "team-a" })).equal(false);
    expect(have_equal(SETTINGS, ALL, { ...stored, queue: { size: 100, timeout: "61s" } })).equal(false);
    (stored as unknown as Record<string, unknown>).queue = undefined;
    expect(have_equal(SETTINGS, stored, ALL)).equal(false);
  });

  it("contain no other members of the document", () => {
    const document = { ...ALL, revision: 5, session_secret: "x", servers: [] };
    expect(settings_of(document)).same(ALL);
  });
});
