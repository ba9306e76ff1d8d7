import { HEALTH_CHECK } from "../../../src/resty/sluice/config/health_check";
import { encode, json_null } from "../../../src/resty/sluice/lib/json";
import { expect } from "../support/expect";

/** The options that choose the request of a check. */

function read(input: object): Record<string, unknown> | undefined {
  return HEALTH_CHECK.read("health_check", input)[0];
}

describe("the request of a check", () => {
  const accepted: object[] = [
    { host: "app.example" },
    { host: "app.example:8443" },
    { host: "127.0.0.1:80" },
    { host: "[2001:db8::1]:80" },
    { host: "a_b-c.internal" },
    { host: string.rep("h", 255) },
    { headers: {} },
    { headers: { Authorization: "Bearer a.b-c", "x-empty": "", Accept: "text/plain; q=0.5, größe" } },
    { headers: { "!#$%&'*+.^_`|~-9": string.rep("v", 4096) } },
    { method: "GET" },
    { method: "HEAD", match: { status: "204", headers: { allow: "" } } },
    { method: "OPTIONS", uri: "/*", report: "load" },
    { method: "POST" },
    { method: "POST", body: '{"jsonrpc":"2.0"}\r\n\u0000' },
    { method: "POST", body: string.rep("b", 4096) },
    { type: "https", verify: true },
    { type: "https", verify: true, host: "app.example:8443" },
    { type: "https", verify: false, host: "127.0.0.1" },
  ];
  for (const input of accepted) {
    it(`may have ${encode(input)}`, () => {
      const check = read(input);
      for (const [name, value] of pairs(input as Record<string, unknown>)) expect(check?.[name]).same(value);
      expect(read(check as object)).same(check);
    });
  }

  it("has none of these options unless they are given, so that stored checks stay the same", () => {
    const text = encode(read({}));
    for (const name of ["host", "headers", "method", "body", "verify"])
      expect(string.find(text, `"${name}"`, 1, true)[0]).equal(undefined);
  });

  it("is stored in the same order, however it is given", () => {
    const check = { headers: { b: "2", a: "1" }, host: "h", type: "https", verify: true, method: "HEAD" };
    expect(encode(read(check))).contains(
      '"host":"h","headers":{"a":"1","b":"2"},"method":"HEAD","verify":true,',
    );
  });

  const many: Record<string, string> = {};
  for (const number of $range(1, 17)) many[`x-${number}`] = "";
  const large = { a: string.rep("a", 4095), b: string.rep("b", 4095), c: "" };
  const refused: [object, string][] = [
    [{ host: "" }, 'invalid "health_check.host": must be a non-empty string'],
    [{ host: string.rep("h", 256) }, 'invalid "health_check.host": must not be longer than 255 bytes'],
    [{ headers: "a" }, 'invalid "health_check.headers": must be an object'],
    [{ headers: ["a"] }, 'invalid "health_check.headers": must be an object'],
    [{ headers: { "": "a" } }, 'invalid "health_check.headers": must have names of headers'],
    [{ headers: { "a b": "" } }, 'invalid "health_check.headers": must have names of headers'],
    [{ headers: { "a:": "" } }, 'invalid "health_check.headers": must have names of headers'],
    [{ headers: { "a\r\nb": "" } }, 'invalid "health_check.headers": must have names of headers'],
    [{ headers: { größe: "" } }, 'invalid "health_check.headers": must have names of headers'],
    [{ headers: { [string.rep("n", 65)]: "" } }, "names of headers, of at most 64 bytes"],
    [{ headers: { a: 5 } }, 'invalid "health_check.headers.a": must be a string'],
    [{ headers: { a: json_null } }, 'invalid "health_check.headers.a": must be a string'],
    [{ headers: { a: string.rep("v", 4097) } }, '"health_check.headers.a": must not be longer than 4096'],
    [{ headers: { a: " b" } }, '"health_check.headers.a": must not begin or end with a space'],
    [{ headers: { a: "b " } }, '"health_check.headers.a": must not begin or end with a space'],
    [{ headers: { Host: "a" } }, 'invalid "health_check.headers.Host": cannot be set here: use "host"'],
    [{ headers: { "X-A": "1", "x-a": "2" } }, "must not be given twice"],
    [{ headers: many }, 'invalid "health_check.headers": must not have more than 16 headers'],
    [{ headers: large }, 'invalid "health_check.headers": must not have more than 8192 bytes'],
    [{ method: "get" }, 'invalid "health_check.method": must be one of "GET", "HEAD", "OPTIONS", "POST"'],
    [{ method: "PUT" }, 'invalid "health_check.method": must be one of "GET", "HEAD", "OPTIONS", "POST"'],
    [{ body: "x" }, 'invalid "health_check.body": requires that "method" is "POST"'],
    [{ method: "GET", body: "x" }, 'invalid "health_check.body": requires that "method" is "POST"'],
    [
      { method: "HEAD", match: { body: "x" } },
      'invalid "health_check.match.body": cannot be combined with the method "HEAD"',
    ],
    [
      { method: "HEAD", report: "load" },
      'invalid "health_check.report": cannot be combined with the method "HEAD"',
    ],
    [{ type: "https", verify: "on" }, 'invalid "health_check.verify": must be true or false'],
    [
      { type: "https", verify: true, host: "10.0.0.1:443" },
      'invalid "health_check.host": must be a name if "verify" is true',
    ],
    [
      { type: "https", verify: true, host: "[::1]" },
      'invalid "health_check.host": must be a name if "verify" is true',
    ],
    [{ verify: true }, 'invalid "health_check.verify": cannot be combined with the type "http"'],
    [{ verify: false }, 'invalid "health_check.verify": cannot be combined with the type "http"'],
  ];
  for (const host of ["a b", "a/b", "a/", "a:0", "a:65536", "a:b", "a\r\nX: y", "a@b", "größe", "::1", "[x]"])
    refused.push([{ host }, 'invalid "health_check.host": must be a name or an IP address']);
  for (const value of ["a\r\nb", "a\nb", "\u0000", "a\tb", "\u007f"])
    refused.push([
      { headers: { a: value } },
      '"health_check.headers.a": must not contain control characters',
    ]);
  for (const name of ["Connection", "content-length", "Transfer-Encoding", "TE", "Upgrade", "Expect"])
    refused.push([{ headers: { [name]: "1" } }, `"health_check.headers.${name}": cannot be set`]);
  for (const body of ["", string.rep("b", 4097), 5, json_null])
    refused.push([{ method: "POST", body }, '"health_check.body": must be a string of 1 to 4096 bytes']);
  const of_http = { host: "a", headers: { a: "b" }, method: "HEAD", body: "x", verify: true };
  for (const [name, value] of pairs(of_http))
    refused.push([
      { type: "tcp", [name]: value },
      `invalid "health_check.${name}": cannot be combined with the type "tcp"`,
    ]);
  for (const [input, text] of refused) {
    it(`must not have ${string.sub(encode(input), 1, 200)}`, () => {
      const [check, problem] = HEALTH_CHECK.read("health_check", input);
      expect(check).equal(undefined);
      expect(problem?.code).equal("UpstreamConfFormatError");
      expect(problem?.text).contains(text);
    });
  }
});
