import { BALANCING, type BalancingConfig } from "../../../src/resty/sluice/config/balancing";
import { copy_of } from "../../../src/resty/sluice/config/block";
import { read_settings } from "../../../src/resty/sluice/config/settings";
import { decode, encode, json_null } from "../../../src/resty/sluice/lib/json";
import { expect } from "../support/expect";

const HASH: BalancingConfig = { method: "hash", hash: { key: "$uri", consistent: false } };
const COOKIE = { name: "srv", path: "/", httponly: false, secure: false };

describe("a balancing method", () => {
  it("is round_robin by default", () => {
    expect(read_settings({})[0]).same({ method: "round_robin" });
  });

  const accepted: [Record<string, unknown>, BalancingConfig][] = [
    [{ method: "least_conn" }, { method: "least_conn" }],
    [{ method: "ip_hash" }, { method: "ip_hash" }],
    [{ method: "least_time" }, { method: "least_time", least_time: { measure: "header", inflight: false } }],
    [
      { method: "least_time", least_time: { measure: "last_byte" } },
      { method: "least_time", least_time: { measure: "last_byte", inflight: false } },
    ],
    [
      { method: "least_time", least_time: { inflight: true } },
      { method: "least_time", least_time: { measure: "header", inflight: true } },
    ],
    [{ method: "random" }, { method: "random" }],
    [{ method: "random", random: json_null }, { method: "random" }],
    [
      { method: "random", random: { two: "least_time" } },
      { method: "random", random: { two: "least_time" } },
    ],
    [{ method: "hash", hash: { key: "$uri" } }, HASH],
    [{ method: "hash", hash: { key: "$uri" }, random: json_null }, HASH],
    [
      { method: "hash", hash: { key: "a$1", consistent: true, balance_factor: 100 } },
      { method: "hash", hash: { key: "a$1", consistent: true, balance_factor: 100 } },
    ],
    [
      { method: "hash", hash: { key: "$a", consistent: true, balance_factor: 150, balance_slack: 64 } },
      { method: "hash", hash: { key: "$a", consistent: true, balance_factor: 150, balance_slack: 64 } },
    ],
    [
      { method: "least_conn", sticky: { cookie: { name: "srv" } } },
      { method: "least_conn", sticky: { cookie: COOKIE } },
    ],
    [{ sticky: json_null }, { method: "round_robin" }],
  ];
  for (const [input, config] of accepted) {
    it(`may be ${encode(input)}`, () => {
      expect(read_settings(input)[0]).same(config);
    });
  }

  const refused: [Record<string, unknown>, string][] = [
    [{ method: "best" }, 'invalid "method": must be one of "round_robin", "least_conn"'],
    [{ method: 5 }, 'invalid "method":'],
    [{ method: json_null }, 'invalid "method":'],
    [{ method: {} }, 'invalid "method":'],
    [{ method: "least_time", least_time: 5 }, 'invalid "least_time": must be an object'],
    [{ method: "least_time", least_time: ["header"] }, 'invalid "least_time": must be an object'],
    [{ method: "least_time", least_time: { measure: "body" } }, 'invalid "least_time.measure":'],
    [{ method: "least_time", least_time: { inflight: "yes" } }, 'invalid "least_time.inflight":'],
    [{ method: "least_time", least_time: { mesure: "header" } }, 'unknown parameter "least_time.mesure"'],
    [{ method: "random", random: "two" }, 'invalid "random": must be an object'],
    [{ method: "random", random: {} }, 'invalid "random.two": must be given'],
    [{ method: "random", random: { two: "round_robin" } }, 'invalid "random.two":'],
    [{ method: "random", random: { two: json_null } }, 'invalid "random.two":'],
    [{ method: "random", random: { three: 1 } }, 'unknown parameter "random.three"'],
    [{ method: "hash" }, 'invalid "hash.key": must be given'],
    [{ method: "hash", hash: json_null }, 'invalid "hash.key": must be given'],
    [{ method: "hash", hash: { consistent: true } }, 'invalid "hash.key": must be given'],
    [{ method: "hash", hash: "$uri" }, 'invalid "hash": must be an object'],
    [{ method: "hash", hash: { key: "" } }, 'invalid "hash.key": must contain a variable'],
    [{ method: "hash", hash: { key: "$" } }, 'invalid "hash.key":'],
    [{ method: "hash", hash: { key: 5 } }, 'invalid "hash.key": must be a string'],
    [{ method: "hash", hash: { key: "$uri", consistent: 1 } }, 'invalid "hash.consistent":'],
    [{ method: "hash", hash: { key: "$uri", balance_factor: 150 } }, '"consistent" is true'],
    [
      { method: "hash", hash: { key: "$uri", consistent: true, balance_slack: 64 } },
      'invalid "hash.balance_slack": requires "balance_factor"',
    ],
    [{ method: "hash", hash: { key: "$uri", ring: true } }, 'unknown parameter "hash.ring"'],
    [{ random: { two: "least_conn" } }, 'invalid "random": requires the method "random"'],
    [{ method: "ip_hash", hash: { key: "$uri" } }, 'invalid "hash": requires the method "hash"'],
    [{ method: "random", least_time: {} }, 'invalid "least_time": requires the method "least_time"'],
    [{ sticky: 5 }, 'invalid "sticky": must be an object'],
  ];
  for (const factor of [99, 100001, 150.5, 0 / 0, 1 / 0, -150, "150", true, json_null]) {
    const hash = { key: "$uri", consistent: true, balance_factor: factor };
    refused.push([{ method: "hash", hash }, 'invalid "hash.balance_factor": must be a whole number']);
  }
  for (const balance_slack of [-1, 100001, 1.5, 0 / 0, "64", true, json_null]) {
    const hash = { key: "$uri", consistent: true, balance_factor: 150, balance_slack };
    const text = 'invalid "hash.balance_slack": must be a whole number from 0 to 100000';
    refused.push([{ method: "hash", hash }, text]);
  }
  for (const [input, text] of refused) {
    it(`is not ${encode(input)}`, () => {
      const [config, problem] = read_settings(input);
      expect(config).equal(undefined);
      expect(problem?.status).equal(400);
      expect(problem?.code).equal("UpstreamConfFormatError");
      expect(problem?.text).contains(text);
    });
  }
});

describe("a change of an upstream's balancing", () => {
  const base: BalancingConfig = { ...HASH, sticky: { cookie: COOKIE } };

  it("keeps the options that it does not contain", () => {
    expect(read_settings({}, base)[0]).same(base);
    expect(read_settings({ method: "hash" }, base)[0]).same(base);
  });

  it("removes the block of the previous method", () => {
    expect(read_settings({ method: "random" }, base)[0]).same({ method: "random", sticky: base.sticky });
    const [timed] = read_settings({ method: "least_time" }, base);
    expect(timed?.least_time).same({ measure: "header", inflight: false });
    expect(timed?.hash).equal(undefined);
    expect(read_settings({ method: "hash" }, timed)[1]?.text).equal('invalid "hash.key": must be given');
  });

  it("replaces a whole block", () => {
    const bounded: BalancingConfig = {
      method: "hash",
      hash: { key: "$uri", consistent: true, balance_factor: 150 },
    };
    expect(read_settings({ hash: { key: "$host" } }, bounded)[0]).same({
      method: "hash",
      hash: { key: "$host", consistent: false },
    });
    const route = { variables: ["$arg_r"] };
    expect(read_settings({ sticky: { route } }, base)[0]).same({ ...HASH, sticky: { route } });
  });

  it("removes a block with null", () => {
    expect(read_settings({ sticky: json_null }, base)[0]).same(HASH);
    expect(read_settings({ hash: json_null }, base)[1]?.text).equal('invalid "hash.key": must be given');
    const two: BalancingConfig = { method: "random", random: { two: "least_conn" } };
    expect(read_settings({ random: json_null }, two)[0]).same({ method: "random" });
    const timed: BalancingConfig = {
      method: "least_time",
      least_time: { measure: "last_byte", inflight: true },
    };
    expect(read_settings({ least_time: json_null }, timed)[0]?.least_time).same({
      measure: "header",
      inflight: false,
    });
  });

  it("refuses the block of another method", () => {
    expect(read_settings({ random: { two: "least_conn" } }, base)[1]?.text).contains(
      'invalid "random": requires',
    );
    expect(read_settings({ method: "random", hash: { key: "$uri" } }, base)[1]?.text).contains(
      'invalid "hash": requires',
    );
  });
});

describe("the balancing options of an upstream", () => {
  const texts = [
    '{"method":"least_time","least_time":{"measure":"header","inflight":true}}',
    '{"method":"random","random":{"two":"least_conn"}}',
    '{"method":"hash","hash":{"key":"$uri","consistent":true,"balance_factor":150,"balance_slack":64},' +
      '"sticky":{"cookie":{"name":"srv","path":"\\/","domain":"a.b","expires":"1h","httponly":true,' +
      '"secure":true,"samesite":"lax"}}}',
    '{"method":"ip_hash","sticky":{"route":{"variables":["$cookie_r"]}}}',
  ];
  for (const text of texts) {
    it(`are written as ${text}, from a request and from a document`, () => {
      const input = decode(text)[0] as Record<string, unknown>;
      expect(encode(copy_of(BALANCING, read_settings(input)[0] as BalancingConfig))).equal(text);
      expect(encode(copy_of(BALANCING, decode(text)[0] as BalancingConfig))).equal(text);
    });
  }

  it("contain no other members of the document", () => {
    const document = { ...HASH, revision: 5, session_secret: "x", servers: [] };
    expect(copy_of(BALANCING, document)).same(HASH);
  });
});
