import { HEALTH_CHECK } from "../../../src/resty/sluice/config/health_check";
import { read_grpc_answer } from "../../../src/resty/sluice/net/grpc";
import { format_http2_request } from "../../../src/resty/sluice/net/http2/exchange";
import { health_call, judge_grpc, serving_status } from "../../../src/resty/sluice/probe/grpc";
import { USER_AGENT } from "../../../src/resty/sluice/probe/request";
import { expect } from "../support/expect";

type Config = Parameters<typeof health_call>[1];

function check(input: object): Config {
  return HEALTH_CHECK.read("health_check", { type: "grpc", ...input })[0] as Config;
}

function fields(host: string, ...others: [name: string, value: string][]): { name: string; value: string }[] {
  return [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", "/grpc.health.v1.Health/Check"],
    [":authority", host],
    ["te", "trailers"],
    ["content-type", "application/grpc"],
    ["grpc-timeout", "1500m"],
    ...others,
  ].map(([name, value]) => ({ name, value }));
}

describe("a check with gRPC", () => {
  it("asks about the whole server by default", () => {
    const { text, body_bytes } = health_call("app", check({}), 1.5);
    expect(text).equal(format_http2_request(fields("app", ["user-agent", USER_AGENT]), "\0\0\0\0\0"));
    expect(body_bytes).equal(5);
  });

  it("asks about a service, with its own host and headers in lower case", () => {
    const headers = { "X-B": "2", "User-Agent": "probe" };
    const config = check({ grpc_service: "shop.Cart", host: "shop.example:50051", headers });
    const { text } = health_call("app", config, 1.5);
    const sent = fields("shop.example:50051", ["user-agent", "probe"], ["x-b", "2"]);
    expect(text).equal(format_http2_request(sent, "\0\0\0\0\x0b\x0a\x09shop.Cart"));
  });

  it("asks about a service with a long name", () => {
    const { text, body_bytes } = health_call("app", check({ grpc_service: string.rep("s", 256) }), 1);
    const message = `\x0a${string.char(128, 2)}${string.rep("s", 256)}`;
    expect(body_bytes).equal(5 + message.length);
    expect(string.sub(text, -message.length)).equal(message);
  });

  it("reads the status of the response, among unknown fields", () => {
    expect(serving_status("")).equal(0);
    expect(serving_status("\x08\x01")).equal(1);
    expect(serving_status("\x08\x02")).equal(2);
    expect(serving_status("\x08\x02\x08\x01")).equal(1);
    expect(serving_status("\x10\x05\x1a\x02ab\x25abcd\x29abcdefgh\x08\x01")).equal(1);
    expect(serving_status(`\x08${string.char(129)}\0`)).equal(1);
  });

  const malformed = ["\x08", "\x08\x01\x08", "\x0a\x05abc", "\x29abc", "\x25abc", "\x0b", "\x0f"];
  malformed.push(string.rep(string.char(128), 20), `\x08${string.rep(string.char(255), 11)}`);
  for (const message of malformed) {
    it(`refuses a malformed message: ${string.format("%q", message)}`, () => {
      expect(serving_status(message)).equal(undefined);
      expect(judge_grpc({ status: 0, message }, undefined)[0]).equal(false);
    });
  }

  it("passes if the server is SERVING, or returns the accepted status", () => {
    const results: [
      answer: { status: number; message?: string },
      accepted: number,
      passed: boolean,
      what: string,
    ][] = [
      [{ status: 0, message: "\x08\x01" }, 0, true, "returned 1 (SERVING)"],
      [{ status: 0, message: "\x08\x01" }, 12, true, "returned 1 (SERVING)"],
      [{ status: 0, message: "\x08\x02" }, 0, false, "returned 2 (NOT_SERVING)"],
      [{ status: 0, message: "\x08\x02" }, 2, false, "returned 2 (NOT_SERVING)"],
      [{ status: 0, message: "" }, 0, false, "returned 0 (UNKNOWN)"],
      [{ status: 0, message: "\x08\x09" }, 0, false, "returned 9"],
      [{ status: 12 }, 0, false, "returned the status 12 (UNIMPLEMENTED)"],
      [{ status: 12 }, 5, false, "returned the status 12 (UNIMPLEMENTED)"],
      [{ status: 12 }, 12, true, "returned the status 12 (UNIMPLEMENTED)"],
      [{ status: 99 }, 0, false, "returned the status 99"],
    ];
    for (const [{ status, message }, accepted, passed, what] of results) {
      const [has_passed, said] = judge_grpc({ status, message }, accepted === 0 ? undefined : accepted);
      expect(has_passed).equal(passed);
      expect(said).equal(what);
    }
  });
});

describe("an answer of gRPC", () => {
  const headers = { "content-type": "application/grpc+proto" };
  const trailers = { "grpc-status": "0" };
  const whole = { status: 200, headers, trailers, body: "\0\0\0\0\x02\x08\x01" };

  it("is a message, or a status that is not 0", () => {
    expect(read_grpc_answer(whole)[0]).same({ status: 0, message: "\x08\x01" });
    expect(read_grpc_answer({ ...whole, trailers: { "grpc-status": "5" }, body: "" })[0]).same({ status: 5 });
    const only = { ...headers, "grpc-status": "12" };
    expect(read_grpc_answer({ ...whole, headers: only, trailers: {}, body: "" })[0]).same({ status: 12 });
  });

  const refused: [object, string][] = [
    [{ status: 503 }, "it returned the HTTP status 503"],
    [{ headers: {} }, "its answer is not gRPC"],
    [{ headers: { "content-type": "text/html" } }, "its answer is not gRPC"],
    [{ trailers: {} }, "its answer has no grpc-status"],
    [{ trailers: { "grpc-status": "-1" } }, "its grpc-status is malformed"],
    [{ trailers: { "grpc-status": "0, 0" } }, "its grpc-status is malformed"],
    [{ body: "" }, "its answer has no message"],
    [{ body: "\0\0\0\0" }, "its answer has no message"],
    [{ body: "\x01\0\0\0\x02\x08\x01" }, "its message is compressed"],
    [{ body: "\0\0\0\0\x01\x08\x01" }, "its message has another length than it says"],
    [{ body: "\0\x7f\0\0\x02\x08\x01" }, "its message has another length than it says"],
    [{ body: "\0\0\0\0\x02\x08\x01\0\0\0\0\0" }, "its message has another length than it says"],
  ];
  for (const [change, cause] of refused) {
    it(`is refused if ${cause}`, () => {
      const [answer, found] = read_grpc_answer({ ...whole, ...change });
      expect(answer).equal(undefined);
      expect(found).contains(cause);
    });
  }
});
