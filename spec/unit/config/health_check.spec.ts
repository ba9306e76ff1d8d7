import { HEALTH_CHECK } from "../../../src/resty/sluice/config/health_check";
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
    [{ type: "grpc" }, { ...COMMON, type: "grpc" }],
    [
      {
        type: "grpc",
        grpc_service: "shop.Cart",
        grpc_status: 12,
        host: "a.example",
        headers: { "X-A": "1" },
      },
      {
        ...COMMON,
        type: "grpc",
        host: "a.example",
        headers: { "X-A": "1" },
        grpc_service: "shop.Cart",
        grpc_status: 12,
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
      expect(HEALTH_CHECK.read("health_check", input)[0]).same(check);
    });
  }

  it("is read as it is shown", () => {
    for (const [, check] of accepted) expect(HEALTH_CHECK.read("health_check", check)[0]).same(check);
  });

  const refused: [unknown, string][] = [
    [5, 'invalid "health_check": must be an object'],
    [["http"], 'invalid "health_check": must be an object'],
    [{ fail: 1 }, 'unknown parameter "health_check.fail"'],
    [{ type: "udp" }, 'invalid "health_check.type": must be one of "http", "https", "tcp", "grpc"'],
    [{ type: json_null }, 'invalid "health_check.type":'],
    [{ type: "grpcs" }, 'invalid "health_check.type": "grpcs" is not supported: cosockets cannot negotiate'],
    [{ uri: "health" }, 'invalid "health_check.uri": must begin with "/"'],
    [{ uri: 5 }, 'invalid "health_check.uri":'],
    [{ uri: "/a b" }, 'invalid "health_check.uri": must contain only printable ASCII'],
    [{ uri: "/\r\nX: y" }, 'invalid "health_check.uri": must contain only printable ASCII'],
    [{ uri: `/${string.rep("u", 1024)}` }, 'invalid "health_check.uri": must not be longer than 1024 bytes'],
    [{ persistent: true }, 'invalid "health_check.persistent": requires that "mandatory" is true'],
    [{ persistent: true, mandatory: false }, 'invalid "health_check.persistent":'],
    [{ mandatory: 1 }, 'invalid "health_check.mandatory": must be true or false'],
    [{ type: "tcp", uri: "/" }, 'invalid "health_check.uri": cannot be combined with the type "tcp"'],
    [{ type: "tcp", match: {} }, 'invalid "health_check.match": cannot be combined with the type "tcp"'],
    [{ type: "tcp", keepalive_time: "60s" }, 'invalid "health_check.keepalive_time":'],
    [{ keepalive_time: "soon" }, 'invalid "health_check.keepalive_time":'],
    [{ match: 5 }, 'invalid "health_check.match": must be an object'],
    [{ match: { code: "200" } }, 'unknown parameter "health_check.match.code"'],
    [{ match: { status: 200 } }, 'invalid "health_check.match.status": must be a string'],
    [{ match: { status: "2xx" } }, 'invalid "health_check.match.status": "2xx" is not a status code'],
    [{ match: { body: "" } }, 'invalid "health_check.match.body": must not be empty'],
    [{ match: { body: 5 } }, 'invalid "health_check.match.body": must be a string'],
    [
      { match: { body: string.rep("b", 1025) } },
      '"health_check.match.body": must not be longer than 1024 bytes',
    ],
    [{ match: { headers: "server" } }, 'invalid "health_check.match.headers": must be an object'],
    [{ match: { headers: ["server"] } }, 'invalid "health_check.match.headers": must be an object'],
    [
      { match: { headers: { Server: "" } } },
      'invalid "health_check.match.headers": must have names of headers',
    ],
    [{ match: { headers: { "": "" } } }, 'invalid "health_check.match.headers": must have names of headers'],
    [
      { match: { headers: { "a b": "" } } },
      'invalid "health_check.match.headers": must have names of headers',
    ],
    [
      { match: { headers: { "a:": "" } } },
      'invalid "health_check.match.headers": must have names of headers',
    ],
    [{ match: { headers: { server: 5 } } }, 'invalid "health_check.match.headers.server": must be a string'],
  ];
  refused.push(
    [{ report: "" }, 'invalid "health_check.report": must be a non-empty string'],
    [{ report: 5 }, 'invalid "health_check.report": must be a non-empty string'],
    [{ report: ["load"] }, 'invalid "health_check.report": must be a non-empty string'],
    [{ report: json_null }, 'invalid "health_check.report": must be a non-empty string'],
    [{ report: string.rep("a", 129) }, 'invalid "health_check.report": must not be longer than 128 bytes'],
    [{ report: "a\nb" }, 'invalid "health_check.report": must not contain control characters'],
    [{ type: "tcp", report: "a" }, '"health_check.report": cannot be combined with the type "tcp"'],
    [{ agent: 5 }, 'invalid "health_check.agent": must be an object'],
    [{ agent: [5] }, 'invalid "health_check.agent": must be an object'],
    [{ agent: json_null }, 'invalid "health_check.agent": must be an object'],
    [{ agent: {} }, 'invalid "health_check.agent.port": must be given'],
    [{ agent: { send: "x" } }, 'invalid "health_check.agent.port": must be given'],
    [{ agent: { port: 9, host: "a" } }, 'unknown parameter "health_check.agent.host"'],
  );
  for (const report of [".", ".a", "a.", "a..b", "a b", "$.a", "a[0]", "größe"]) {
    refused.push([{ report }, 'invalid "health_check.report": must be names separated by dots']);
  }
  for (const port of [0, 65536, 9.5, "9", json_null]) {
    const text = 'invalid "health_check.agent.port": must be a whole number from 1 to 65535';
    refused.push([{ agent: { port } }, text]);
  }
  for (const send of ["", string.rep("s", 257), 5, json_null]) {
    const text = 'invalid "health_check.agent.send": must be a string of 1 to 256 bytes';
    refused.push([{ agent: { port: 9, send } }, text]);
  }
  for (const port of [0, 65536, -1, 8080.5, "8080", true, json_null]) {
    refused.push([{ port }, 'invalid "health_check.port": must be a whole number from 1 to 65535']);
  }
  for (const interval of ["99ms", "0", "61m", "5 s", "", 5, json_null]) {
    refused.push([{ interval }, 'invalid "health_check.interval": must be a time from 100ms to 1h']);
  }
  for (const timeout of ["0", "0s", "61m", "-1s", 1]) {
    refused.push([{ timeout }, 'invalid "health_check.timeout": must be a time from 1ms to 1h']);
  }
  for (const jitter of ["61m", "x", 0]) refused.push([{ jitter }, 'invalid "health_check.jitter":']);
  for (const count of [0, 1001, 1.5, "1", 0 / 0, 1 / 0]) {
    refused.push([{ fails: count }, 'invalid "health_check.fails": must be a whole number from 1 to 1000']);
    refused.push([{ passes: count }, 'invalid "health_check.passes": must be a whole number']);
  }
  const of_http = { uri: "/", match: {}, report: "a", keepalive_time: "1s", method: "GET", body: "x" };
  for (const [name, value] of pairs(of_http)) {
    const text = `"health_check.${name}": cannot be combined with the type "grpc"`;
    refused.push([{ type: "grpc", [name]: value }, text]);
  }
  for (const [name, value] of pairs({ grpc_service: "a", grpc_status: 12 })) {
    const text = `"health_check.${name}": cannot be combined with the type`;
    for (const type of ["http", "https", "tcp"]) refused.push([{ type, [name]: value }, text]);
  }
  refused.push(
    [
      { type: "grpc", verify: true },
      '"health_check.verify": cannot be combined with the type "grpc": cosockets cannot negotiate HTTP/2 over TLS',
    ],
    [{ type: "grpc", headers: { "Content-Type": "a" } }, "cannot be set, because gRPC defines it"],
    [{ type: "grpc", headers: { "grpc-timeout": "1S" } }, "cannot be set, because gRPC defines it"],
  );
  for (const grpc_service of ["", string.rep("s", 257), "a\n", 5, json_null])
    refused.push([{ type: "grpc", grpc_service }, 'invalid "health_check.grpc_service": must']);
  for (const grpc_status of [0, 17, 1.5, "12", json_null])
    refused.push([
      { type: "grpc", grpc_status },
      '"health_check.grpc_status": must be a whole number from 1 to 16',
    ]);
  for (const [input, text] of refused) {
    it(`is not ${encode(input)}`, () => {
      const [check, problem] = HEALTH_CHECK.read("health_check", input);
      expect(check).equal(undefined);
      expect(problem?.status).equal(400);
      expect(problem?.code).equal("UpstreamConfFormatError");
      expect(problem?.text).contains(text);
    });
  }

  it("matches at most 16 headers", () => {
    const headers: Record<string, string> = {};
    for (const number of $range(1, 16)) headers[`x-${number}`] = "";
    expect(HEALTH_CHECK.read("health_check", { match: { headers } })[1]).equal(undefined);
    headers.one_more = "";
    expect(HEALTH_CHECK.read("health_check", { match: { headers } })[1]?.text).contains(
      "must not have more than 16 headers",
    );
  });
});
