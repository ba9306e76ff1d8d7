import { HEALTH_CHECK } from "../../../src/resty/sluice/config/health_check";
import { VERSION } from "../../../src/resty/sluice/lib/version";
import { http_request, need_of, tls_of } from "../../../src/resty/sluice/probe/request";
import { expect } from "../support/expect";

type Config = Parameters<typeof http_request>[1];

function check(input: object): Config {
  return HEALTH_CHECK.read("health_check", input)[0] as Config;
}

const AGENT = `User-Agent: sluice/${VERSION} (health check)\r\n`;
const KEPT = "Connection: keep-alive\r\n";

describe("what a check sends", () => {
  it("is by default the request of earlier versions, byte for byte", () => {
    const text = `GET /health?a=1 HTTP/1.1\r\nHost: app\r\n${AGENT}Accept: */*\r\n${KEPT}\r\n`;
    expect(http_request("app", check({ uri: "/health?a=1" }))).equal(text);
  });

  it("has the given host, and the given headers in a fixed order", () => {
    const headers = { "X-B": "2", "X-A": "1", "user-agent": "kube-probe", ACCEPT: "text/plain" };
    expect(http_request("app", check({ host: "a.example:81", headers }))).equal(
      `GET / HTTP/1.1\r\nHost: a.example:81\r\n${KEPT}ACCEPT: text/plain\r\nX-A: 1\r\nX-B: 2\r\n` +
        "user-agent: kube-probe\r\n\r\n",
    );
  });

  it("has the given method, and the length of the body with POST only", () => {
    const start = `Host: app\r\n${AGENT}Accept: */*\r\n${KEPT}`;
    for (const method of ["HEAD", "OPTIONS"])
      expect(http_request("app", check({ method }))).equal(`${method} / HTTP/1.1\r\n${start}\r\n`);
    expect(http_request("app", check({ method: "POST" }))).equal(
      `POST / HTTP/1.1\r\n${start}Content-Length: 0\r\n\r\n`,
    );
    expect(http_request("app", check({ method: "POST", body: "größe" }))).equal(
      `POST / HTTP/1.1\r\n${start}Content-Length: 7\r\n\r\ngröße`,
    );
  });

  it("names the host over TLS, unless it is an address", () => {
    expect(tls_of("app", check({ host: "a.example" }))).equal(undefined);
    const named: [object, string | undefined][] = [
      [{}, "app"],
      [{ host: "a.example" }, "a.example"],
      [{ host: "a.example:8443" }, "a.example"],
      [{ host: "10.0.0.1" }, undefined],
      [{ host: "[::1]:8443" }, undefined],
    ];
    for (const [input, server_name] of named)
      expect(tls_of("app", check({ ...input, type: "https" }))).same({ server_name, verify: false });
    expect(tls_of("app", check({ type: "https", verify: true }))?.verify).equal(true);
  });

  it("needs the body only for a condition on it, or for a report", () => {
    expect(need_of(check({}))).equal("nothing");
    expect(need_of(check({ match: { status: "200", headers: { a: "" } } }))).equal("nothing");
    expect(need_of(check({ match: { body: "ok" } }))).equal("beginning");
    expect(need_of(check({ report: "load" }))).equal("beginning");
    expect(need_of(check({ method: "HEAD" }))).equal("none");
  });
});
