import {
  CONSUL,
  CONSUL_KV,
  ETCD,
  expect_read,
  expect_refused,
  KUBERNETES,
  KUBERNETES_READ,
} from "../../support/discovery";

describe("tls of a registry", () => {
  it("may set the verification of certificates for https:// addresses", () => {
    for (const verify of [true, false]) {
      const tls = { verify };
      expect_read("etcd", { ...ETCD, endpoints: ["https://a"], tls });
      expect_read("consul", { ...CONSUL, address: "https://a", tls });
      expect_read("consul_kv", { ...CONSUL_KV, address: "https://a", tls });
      expect_read("kubernetes", { ...KUBERNETES, tls }, { ...KUBERNETES_READ, tls });
    }
  });

  for (const [name, given] of pairs({ etcd: ETCD, consul: CONSUL, consul_kv: CONSUL_KV })) {
    it(`of ${name} is refused with invalid members, and for http:// addresses`, () => {
      const path = `discovery.${name}.tls`;
      const of = (tls: unknown) => ({ [name]: { ...given, tls } });
      const url = name === "etcd" ? "http://127.0.0.1:2379" : "http://127.0.0.1:8500";
      expect_refused(of(true), `invalid "${path}": must be an object`);
      expect_refused(of({ verify: "yes" }), `invalid "${path}.verify": must be true or false`);
      expect_refused(of({ cert: "/a" }), `unknown parameter "${path}.cert"`);
      expect_refused(
        of({ ca: "/a" }),
        `invalid "${path}.ca": is not supported: set the file by nginx's directive lua_ssl_trusted_certificate`,
      );
      const https = name === "etcd" ? { endpoints: ["https://a"] } : { address: "https://a" };
      expect_refused(
        { [name]: { ...given, ...https, tls: { ca: "/x" } } },
        `invalid "${path}.ca": is not supported: set the file by nginx's directive lua_ssl_trusted_certificate`,
      );
      expect_refused(of({}), `invalid "${path}": requires https:// addresses, unlike "${url}"`);
    });
  }
});
