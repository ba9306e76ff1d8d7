import { read_health_check } from "../../../src/resty/sluice/config/health_check";
import { encode, json_null } from "../../../src/resty/sluice/lib/json";
import { expect } from "../support/expect";

const COMMON = {
  interval: "5s",
  jitter: "0s",
  timeout: "1s",
  fails: 1,
  passes: 1,
  mandatory: false,
  persistent: false,
};
const HTTP = { ...COMMON, type: "http", uri: "/", keepalive_time: "60s" };

describe("a health check", () => {
  const accepted: [Record<string, unknown>, Record<string, unknown>][] = [
    [{}, HTTP],
    [{ type: "https" }, { ...HTTP, type: "https" }],
    [{ type: "tcp" }, { ...COMMON, type: "tcp" }],
    [
      { type: "tcp", port: 9 },
      { ...COMMON, type: "tcp", port: 9 },
    ],
    [
      { uri: "/health?full=1", port: 65535 },
      { ...HTTP, uri: "/health?full=1", port: 65535 },
    ],
    [
      { interval: "100ms", jitter: "1h", timeout: "1ms", keepalive_time: "0s" },
      { ...HTTP, interval: "100ms", jitter: "1h", timeout: "1ms", keepalive_time: "0s" },
    ],
    [
      { interval: "60m", timeout: "0m 30s" },
      { ...HTTP, interval: "60m", timeout: "0m 30s" },
    ],
    [
      { fails: 1000, passes: 1000 },
      { ...HTTP, fails: 1000, passes: 1000 },
    ],
    [{ mandatory: true }, { ...HTTP, mandatory: true }],
    [
      { mandatory: true, persistent: true },
      { ...HTTP, mandatory: true, persistent: true },
    ],
    [{ match: {} }, { ...HTTP, match: { status: "200-399" } }],
    [
      { match: { status: "200, 404", headers: { "content-type": "^text/", server: "" }, body: "ok" } },
      {
        ...HTTP,
        match: { status: "200, 404", headers: { "content-type": "^text/", server: "" }, body: "ok" },
      },
    ],
    [{ agent: { port: 1 } }, { ...HTTP, agent: { port: 1 } }],
    [{ agent: { port: 65535, send: "state\n" } }, { ...HTTP, agent: { port: 65535, send: "state\n" } }],
    [
      { type: "tcp", agent: { port: 9 } },
      { ...COMMON, type: "tcp", agent: { port: 9 } },
    ],
  ];
  for (const report of ["load", "a.b.c", "a-b._c.0", string.rep("a", 128)]) {
    accepted.push([{ report }, { ...HTTP, report }]);
    accepted.push([
      { type: "https", report },
      { ...HTTP, type: "https", report },
    ]);
  }
  for (const [input, check] of accepted) {
    it(`may be ${encode(input)}`, () => {
      expect(read_health_check("health_check", input)[0]).same(check);
    });
  }

  it("reads as it was shown", () => {
    for (const [, check] of accepted) expect(read_health_check("health_check", check)[0]).same(check);
  });

  const refused: [unknown, string][] = [
    [5, 'invalid "health_check" value: not an object'],
    [["http"], 'invalid "health_check" value: not an object'],
    [{ fail: 1 }, 'unknown parameter "health_check.fail"'],
    [{ type: "udp" }, 'invalid "health_check.type" value: not one of "http", "https", "tcp"'],
    [{ type: json_null }, 'invalid "health_check.type" value'],
    [
      { type: "grpc" },
      'invalid "health_check.type" value: "grpc" is not supported: it needs HTTP/2, which cosockets do not speak',
    ],
    [{ uri: "health" }, 'invalid "health_check.uri" value: it does not begin with "/"'],
    [{ uri: 5 }, 'invalid "health_check.uri" value'],
    [{ uri: "/a b" }, 'invalid "health_check.uri" value: only printable ASCII'],
    [{ uri: "/\r\nX: y" }, 'invalid "health_check.uri" value: only printable ASCII'],
    [{ uri: `/${string.rep("u", 1024)}` }, 'invalid "health_check.uri" value: longer than 1024 bytes'],
    [{ persistent: true }, 'invalid "health_check.persistent" value: only if "mandatory" is true'],
    [{ persistent: true, mandatory: false }, 'invalid "health_check.persistent" value'],
    [{ mandatory: 1 }, 'invalid "health_check.mandatory" value: not a boolean'],
    [{ type: "tcp", uri: "/" }, 'invalid "health_check.uri" value: a check of the type "tcp" has none'],
    [{ type: "tcp", match: {} }, 'invalid "health_check.match" value: a check of the type "tcp" has none'],
    [{ type: "tcp", keepalive_time: "60s" }, 'invalid "health_check.keepalive_time" value'],
    [{ keepalive_time: "soon" }, 'invalid "health_check.keepalive_time" value'],
    [{ match: 5 }, 'invalid "health_check.match" value: not an object'],
    [{ match: { code: "200" } }, 'unknown parameter "health_check.match.code"'],
    [{ match: { status: 200 } }, 'invalid "health_check.match.status" value: not a string'],
    [{ match: { status: "2xx" } }, 'invalid "health_check.match.status" value: "2xx" is no status code'],
    [{ match: { body: "" } }, 'invalid "health_check.match.body" value: empty'],
    [{ match: { body: 5 } }, 'invalid "health_check.match.body" value: not a string'],
    [{ match: { body: string.rep("b", 1025) } }, '"health_check.match.body" value: longer than 1024 bytes'],
    [{ match: { headers: "server" } }, 'invalid "health_check.match.headers" value: not an object'],
    [{ match: { headers: ["server"] } }, 'invalid "health_check.match.headers" value: not an object'],
    [{ match: { headers: { Server: "" } } }, 'invalid "health_check.match.headers" value: a name is not'],
    [{ match: { headers: { "": "" } } }, 'invalid "health_check.match.headers" value: a name is not'],
    [{ match: { headers: { "a b": "" } } }, 'invalid "health_check.match.headers" value: a name is not'],
    [{ match: { headers: { "a:": "" } } }, 'invalid "health_check.match.headers" value: a name is not'],
    [
      { match: { headers: { server: 5 } } },
      'invalid "health_check.match.headers.server" value: not a string',
    ],
  ];
  refused.push(
    [{ report: "" }, 'invalid "health_check.report" value: empty, or not a string'],
    [{ report: 5 }, 'invalid "health_check.report" value: empty, or not a string'],
    [{ report: ["load"] }, 'invalid "health_check.report" value: empty, or not a string'],
    [{ report: json_null }, 'invalid "health_check.report" value: empty, or not a string'],
    [{ report: string.rep("a", 129) }, 'invalid "health_check.report" value: longer than 128 bytes'],
    [{ report: "a\nb" }, 'invalid "health_check.report" value: control characters cannot be'],
    [{ type: "tcp", report: "a" }, '"health_check.report" value: a check of the type "tcp" has none'],
    [{ agent: 5 }, 'invalid "health_check.agent" value: not an object'],
    [{ agent: [5] }, 'invalid "health_check.agent" value: not an object'],
    [{ agent: json_null }, 'invalid "health_check.agent" value: not an object'],
    [{ agent: {} }, 'missing "health_check.agent.port" argument'],
    [{ agent: { send: "x" } }, 'missing "health_check.agent.port" argument'],
    [{ agent: { port: 9, host: "a" } }, 'unknown parameter "health_check.agent.host"'],
  );
  for (const report of [".", ".a", "a.", "a..b", "a b", "$.a", "a[0]", "größe"]) {
    refused.push([{ report }, 'invalid "health_check.report" value: not names apart by dots']);
  }
  for (const port of [0, 65536, 9.5, "9", json_null]) {
    const text = 'invalid "health_check.agent.port" value: not a whole number from 1 to 65535';
    refused.push([{ agent: { port } }, text]);
  }
  for (const send of ["", string.rep("s", 257), 5, json_null]) {
    const text = 'invalid "health_check.agent.send" value: not a text of 1 to 256 bytes';
    refused.push([{ agent: { port: 9, send } }, text]);
  }
  for (const port of [0, 65536, -1, 8080.5, "8080", true, json_null]) {
    refused.push([{ port }, 'invalid "health_check.port" value: not a whole number from 1 to 65535']);
  }
  for (const interval of ["99ms", "0", "61m", "5 s", "", 5, json_null]) {
    refused.push([{ interval }, 'invalid "health_check.interval" value: not a time from 100ms to 1h']);
  }
  for (const timeout of ["0", "0s", "61m", "-1s", 1]) {
    refused.push([{ timeout }, 'invalid "health_check.timeout" value: not a time from 1ms to 1h']);
  }
  for (const jitter of ["61m", "x", 0]) refused.push([{ jitter }, 'invalid "health_check.jitter" value']);
  for (const count of [0, 1001, 1.5, "1", 0 / 0, 1 / 0]) {
    refused.push([{ fails: count }, 'invalid "health_check.fails" value: not a whole number from 1 to 1000']);
    refused.push([{ passes: count }, 'invalid "health_check.passes" value: not a whole number']);
  }
  for (const [input, text] of refused) {
    it(`is not ${encode(input)}`, () => {
      const [check, problem] = read_health_check("health_check", input);
      expect(check).equal(undefined);
      expect(problem?.status).equal(400);
      expect(problem?.code).equal("UpstreamConfFormatError");
      expect(problem?.text).contains(text);
    });
  }

  it("matches at most 16 headers", () => {
    const headers: Record<string, string> = {};
    for (const number of $range(1, 16)) headers[`x-${number}`] = "";
    expect(read_health_check("health_check", { match: { headers } })[1]).equal(undefined);
    headers.one_more = "";
    expect(read_health_check("health_check", { match: { headers } })[1]?.text).contains("more than 16");
  });
});
