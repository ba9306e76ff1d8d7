import { AUTOSCALE } from "../../../src/resty/sluice/config/autoscale";
import { read_settings, settings_of, type UpstreamSettings } from "../../../src/resty/sluice/config/settings";
import { encode, json_null } from "../../../src/resty/sluice/lib/json";
import { expect } from "../support/expect";

const DEFAULTS = { high: 0.8, low: 0.3, for: "30s", cooldown: "60s", min: 1, max: 10, dry_run: false };
const webhook = (url: unknown, secret: unknown = "s") => ({ max: 10, webhook: { url, secret } });

const NO_URL = "must begin with http:// or https:// and a host";
const NO_HOST = "the host must be an address or a name";
const NO_PORT = "the port must be a number from 1 to 65535";
const NOT_PRINTABLE = 'must contain only printable ASCII characters, without spaces and "#"';
const CONTROL = "must not contain control characters";

describe("autoscale", () => {
  const accepted: Record<string, unknown>[] = [
    { max: 10 },
    { max: 1 },
    { max: 100000, min: 0 },
    { max: 10, min: 10 },
    { max: 10, high: 1, low: 0 },
    { max: 10, high: 0.01, low: 0.009 },
    { max: 10, for: "0s", cooldown: "1s" },
    { max: 10, for: "1d", cooldown: "24h" },
    { max: 10, dry_run: true },
  ];
  for (const url of [
    "http://127.0.0.1",
    "http://127.0.0.1:8080/",
    "https://scale.example/hook/v1?app=a&x=%20",
    "https://[::1]:8443/hook",
    "http://host?query",
  ])
    accepted.push(webhook(url));
  accepted.push(webhook("http://host/", string.rep("s", 256)));
  accepted.push(webhook(`http://host/${string.rep("p", 1024 - "http://host/".length)}`));
  for (const input of accepted) {
    it(`may be ${string.sub(encode(input), 1, 100)}`, () => {
      const [autoscale] = AUTOSCALE.read("autoscale", input);
      expect(autoscale).same({ ...DEFAULTS, ...input });
      expect(AUTOSCALE.read("autoscale", autoscale)[0]).same(autoscale);
    });
  }

  const refused: [unknown, string][] = [
    [5, 'invalid "autoscale": must be an object'],
    [["max"], 'invalid "autoscale": must be an object'],
    [{}, 'invalid "autoscale.max": must be given'],
    [{ max: 10, maximum: 5 }, 'unknown parameter "autoscale.maximum"'],
    [{ max: 10, min: 11 }, 'invalid "autoscale.min": must not be more than "max"'],
    [{ max: 10, low: 0.8 }, 'invalid "autoscale.low": must be less than "high"'],
    [{ max: 10, high: 0.3 }, 'invalid "autoscale.low": must be less than "high"'],
    [{ max: 10, high: 0.5, low: 0.6 }, 'invalid "autoscale.low": must be less than "high"'],
    [{ max: 10, webhook: "http://a" }, 'invalid "autoscale.webhook": must be an object'],
    [{ max: 10, webhook: {} }, 'invalid "autoscale.webhook.url": must be given'],
    [{ max: 10, webhook: { secret: "s" } }, 'invalid "autoscale.webhook.url": must be given'],
    [{ max: 10, webhook: { url: "http://a" } }, 'invalid "autoscale.webhook.secret": must be given'],
    [
      { max: 10, webhook: { url: "http://a", secret: "s", method: "PUT" } },
      'unknown parameter "autoscale.webhook.method"',
    ],
  ];
  const all: [name: string, reason: string, values: unknown[]][] = [
    ["high", "must be a number from 0.01 to 1", [0, 1.01, -1, 0 / 0, "0.8", {}, json_null]],
    ["low", "must be a number from 0 to 1", [-0.01, 1.01, 0 / 0, "0.3", json_null]],
    ["for", "must be a time from 0s to 1d", ["-1s", "25h", "", "soon", json_null]],
    ["for", 'must be a time from 0s to 1d, with a unit, such as "30s"', [30]],
    ["cooldown", "must be a time from 1s to 1d", ["999ms", "25h", "", json_null]],
    ["cooldown", 'must be a time from 1s to 1d, with a unit, such as "60s"', [60]],
    ["min", "must be a whole number from 0 to 100000", [-1, 100001, 0.5, 0 / 0, "1", json_null]],
    ["max", "must be a whole number from 1 to 100000", [0, 100001, 1.5, 1 / 0, "10", json_null]],
    ["dry_run", "must be true or false", [0, "false", json_null]],
  ];
  for (const [name, reason, values] of all) {
    for (const value of values)
      refused.push([{ max: 10, [name]: value }, `invalid "autoscale.${name}": ${reason}`]);
  }
  const urls: [unknown, string][] = [
    ["", "must be a non-empty string"],
    [5, "must be a non-empty string"],
    [`http://host/${string.rep("p", 1024)}`, "must not be longer than 1024 bytes"],
    ["http://host/\r\nX: y", CONTROL],
    ["host/hook", NO_URL],
    ["ftp://host/hook", NO_URL],
    ["http:///hook", NO_URL],
    ["http://", NO_URL],
    ["http://?", NO_URL],
    ["http://[host]/hook", NO_HOST],
    ["http://[::1/hook", NO_HOST],
    ["http://user:secret@host/hook", NO_PORT],
    ["http://host:0/hook", NO_PORT],
    ["http://host:65536/hook", NO_PORT],
    ["http://host/a b", NOT_PRINTABLE],
    ["http://host/ä", NOT_PRINTABLE],
    ["http://host/hook#part", NOT_PRINTABLE],
    ["http://host#part", NOT_PRINTABLE],
  ];
  for (const [url, reason] of urls)
    refused.push([webhook(url), `invalid "autoscale.webhook.url": ${reason}`]);
  const secrets: [unknown, string][] = [
    ["", "must be a non-empty string"],
    [json_null, "must be a non-empty string"],
    [string.rep("s", 257), "must not be longer than 256 bytes"],
    ["a\nb", CONTROL],
  ];
  for (const [secret, reason] of secrets)
    refused.push([webhook("http://host", secret), `invalid "autoscale.webhook.secret": ${reason}`]);
  for (const [input, text] of refused) {
    it(`is not ${string.sub(encode(input), 1, 100)}, for ${text}`, () => {
      const [autoscale, problem] = AUTOSCALE.read("autoscale", input);
      expect(autoscale).equal(undefined);
      expect([problem?.status, problem?.code, problem?.text]).same([400, "UpstreamConfFormatError", text]);
    });
  }

  it("is off by default, and is removed by null", () => {
    expect(read_settings({})[0]?.autoscale).equal(undefined);
    const [base] = read_settings({ autoscale: { max: 3 } });
    expect(read_settings({}, base)[0]?.autoscale).same({ ...DEFAULTS, max: 3 });
    expect(read_settings({ autoscale: json_null }, base)[0]?.autoscale).equal(undefined);
    expect(read_settings({ autoscale: { min: 5 } }, base)[1]?.text).equal(
      'invalid "autoscale.max": must be given',
    );
  });

  it("is shown with its members in a fixed order", () => {
    const [settings] = read_settings({ autoscale: webhook("http://host/x") });
    expect(encode(settings_of(settings as UpstreamSettings).autoscale)).equal(
      '{"high":0.8,"low":0.3,"for":"30s","cooldown":"60s","min":1,"max":10,' +
        '"webhook":{"url":"http:\\/\\/host\\/x","secret":"s"},"dry_run":false}',
    );
  });
});
