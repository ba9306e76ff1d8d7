import {
  balancing_of,
  read_balancing,
  type BalancingConfig,
} from "../../../src/resty/sluice/config/balancing";
import { decode, encode, json_null } from "../../../src/resty/sluice/lib/json";
import { expect } from "../support/expect";

const HASH: BalancingConfig = { method: "hash", hash: { key: "$uri", consistent: false } };
const COOKIE = { name: "srv", path: "/", httponly: false, secure: false };

describe("a balancing method", () => {
  it("is round_robin by default", () => {
    expect(read_balancing({})[0]).same({ method: "round_robin" });
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
      { method: "least_conn", sticky: { cookie: { name: "srv" } } },
      { method: "least_conn", sticky: { cookie: COOKIE } },
    ],
    [{ sticky: json_null }, { method: "round_robin" }],
  ];
  for (const [input, config] of accepted) {
    it(`may be ${encode(input)}`, () => {
      expect(read_balancing(input)[0]).same(config);
    });
  }

  const refused: [Record<string, unknown>, string][] = [
    [{ method: "best" }, 'invalid "method" value: not one of "round_robin", "least_conn"'],
    [{ method: 5 }, 'invalid "method" value'],
    [{ method: json_null }, 'invalid "method" value'],
    [{ method: {} }, 'invalid "method" value'],
    [{ method: "least_time", least_time: 5 }, 'invalid "least_time" value: not an object'],
    [{ method: "least_time", least_time: ["header"] }, 'invalid "least_time" value: not an object'],
    [{ method: "least_time", least_time: { measure: "body" } }, 'invalid "least_time.measure" value'],
    [{ method: "least_time", least_time: { inflight: "yes" } }, 'invalid "least_time.inflight" value'],
    [{ method: "least_time", least_time: { mesure: "header" } }, 'unknown parameter "least_time.mesure"'],
    [{ method: "random", random: "two" }, 'invalid "random" value: not an object'],
    [{ method: "random", random: {} }, 'missing "random.two" argument'],
    [{ method: "random", random: { two: "round_robin" } }, 'invalid "random.two" value'],
    [{ method: "random", random: { two: json_null } }, 'invalid "random.two" value'],
    [{ method: "random", random: { three: 1 } }, 'unknown parameter "random.three"'],
    [{ method: "hash" }, 'missing "hash.key" argument'],
    [{ method: "hash", hash: json_null }, 'missing "hash.key" argument'],
    [{ method: "hash", hash: { consistent: true } }, 'missing "hash.key" argument'],
    [{ method: "hash", hash: "$uri" }, 'invalid "hash" value: not an object'],
    [{ method: "hash", hash: { key: "" } }, 'invalid "hash.key" value: it has no variable'],
    [{ method: "hash", hash: { key: "$" } }, 'invalid "hash.key" value'],
    [{ method: "hash", hash: { key: 5 } }, 'invalid "hash.key" value: not a string'],
    [{ method: "hash", hash: { key: "$uri", consistent: 1 } }, 'invalid "hash.consistent" value'],
    [{ method: "hash", hash: { key: "$uri", balance_factor: 150 } }, '"consistent" is true'],
    [{ method: "hash", hash: { key: "$uri", ring: true } }, 'unknown parameter "hash.ring"'],
    [{ random: { two: "least_conn" } }, '"random" is for the method "random"'],
    [{ method: "ip_hash", hash: { key: "$uri" } }, '"hash" is for the method "hash"'],
    [{ method: "random", least_time: {} }, '"least_time" is for the method "least_time"'],
    [{ sticky: 5 }, 'invalid "sticky" value: not an object'],
  ];
  for (const factor of [99, 100001, 150.5, 0 / 0, 1 / 0, -150, "150", true, json_null]) {
    const hash = { key: "$uri", consistent: true, balance_factor: factor };
    refused.push([{ method: "hash", hash }, 'invalid "hash.balance_factor" value: not a whole number']);
  }
  for (const [input, text] of refused) {
    it(`is not ${encode(input)}`, () => {
      const [config, problem] = read_balancing(input);
      expect(config).equal(undefined);
      expect(problem?.status).equal(400);
      expect(problem?.code).equal("UpstreamConfFormatError");
      expect(problem?.text).contains(text);
    });
  }
});

describe("a change of how an upstream is balanced", () => {
  const base: BalancingConfig = { ...HASH, sticky: { cookie: COOKIE } };

  it("keeps what it does not name", () => {
    expect(read_balancing({}, base)[0]).same(base);
    expect(read_balancing({ method: "hash" }, base)[0]).same(base);
  });

  it("drops the block of the method before", () => {
    expect(read_balancing({ method: "random" }, base)[0]).same({ method: "random", sticky: base.sticky });
    const [timed] = read_balancing({ method: "least_time" }, base);
    expect(timed?.least_time).same({ measure: "header", inflight: false });
    expect(timed?.hash).equal(undefined);
    expect(read_balancing({ method: "hash" }, timed)[1]?.text).equal('missing "hash.key" argument');
  });

  it("replaces a whole block", () => {
    const bounded: BalancingConfig = {
      method: "hash",
      hash: { key: "$uri", consistent: true, balance_factor: 150 },
    };
    expect(read_balancing({ hash: { key: "$host" } }, bounded)[0]).same({
      method: "hash",
      hash: { key: "$host", consistent: false },
    });
    const route = { variables: ["$arg_r"] };
    expect(read_balancing({ sticky: { route } }, base)[0]).same({ ...HASH, sticky: { route } });
  });

  it("takes a block off with null", () => {
    expect(read_balancing({ sticky: json_null }, base)[0]).same(HASH);
    expect(read_balancing({ hash: json_null }, base)[1]?.text).equal('missing "hash.key" argument');
    const two: BalancingConfig = { method: "random", random: { two: "least_conn" } };
    expect(read_balancing({ random: json_null }, two)[0]).same({ method: "random" });
    const timed: BalancingConfig = {
      method: "least_time",
      least_time: { measure: "last_byte", inflight: true },
    };
    expect(read_balancing({ least_time: json_null }, timed)[0]?.least_time).same({
      measure: "header",
      inflight: false,
    });
  });

  it("refuses the block of another method", () => {
    expect(read_balancing({ random: { two: "least_conn" } }, base)[1]?.text).contains('"random" is for');
    expect(read_balancing({ method: "random", hash: { key: "$uri" } }, base)[1]?.text).contains(
      '"hash" is for',
    );
  });
});

describe("how an upstream is balanced", () => {
  const texts = [
    '{"method":"least_time","least_time":{"measure":"header","inflight":true}}',
    '{"method":"random","random":{"two":"least_conn"}}',
    '{"method":"hash","hash":{"key":"$uri","consistent":true,"balance_factor":150},' +
      '"sticky":{"cookie":{"name":"srv","path":"\\/","domain":"a.b","expires":"1h","httponly":true,' +
      '"secure":true,"samesite":"lax"}}}',
    '{"method":"ip_hash","sticky":{"route":{"variables":["$cookie_r"]}}}',
  ];
  for (const text of texts) {
    it(`is written as ${text}, wherever it comes from`, () => {
      const input = decode(text)[0] as Record<string, unknown>;
      expect(encode(balancing_of(read_balancing(input)[0] as BalancingConfig))).equal(text);
      expect(encode(balancing_of(decode(text)[0] as BalancingConfig))).equal(text);
    });
  }

  it("is nothing but that", () => {
    const document = { ...HASH, revision: 5, session_secret: "x", servers: [] };
    expect(balancing_of(document)).same(HASH);
  });
});
