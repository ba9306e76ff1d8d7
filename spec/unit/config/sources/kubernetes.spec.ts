import {
  accept_each,
  KUBERNETES,
  KUBERNETES_DEFAULTS,
  KUBERNETES_READ,
  NO_TEXT,
  NO_URL,
  refuse_each,
} from "../../support/discovery";

describe("discovery.kubernetes", () => {
  accept_each("kubernetes", [
    [KUBERNETES, KUBERNETES_READ],
    [
      { ...KUBERNETES, port: 8080 },
      { ...KUBERNETES_READ, port: 8080 },
    ],
    [{ service: "app" }, { ...KUBERNETES_DEFAULTS, service: "app" }],
    [
      { ...KUBERNETES, family: "ipv6" },
      { ...KUBERNETES_READ, family: "ipv6" },
    ],
    [
      { ...KUBERNETES, namespace: "n", api_server: "http://10.0.0.1:8001", token_file: "/t" },
      { ...KUBERNETES_READ, namespace: "n", api_server: "http://10.0.0.1:8001", token_file: "/t" },
    ],
  ]);

  refuse_each("kubernetes", [
    [{ port: 80 }, 'invalid "discovery.kubernetes.service": must be given'],
    [
      { ...KUBERNETES, port: 0 },
      'invalid "discovery.kubernetes.port": must be the name of a port or a whole number from 1 to 65535',
    ],
    [
      { ...KUBERNETES, port: true },
      'invalid "discovery.kubernetes.port": must be the name of a port or a whole number from 1 to 65535',
    ],
    [
      { ...KUBERNETES, service: "a/b" },
      'invalid "discovery.kubernetes.service": must be a name of letters, digits, - and . of at most 63 bytes',
    ],
    [
      { ...KUBERNETES, namespace: string.rep("x", 64) },
      'invalid "discovery.kubernetes.namespace": must be a name of letters, digits, - and . of at most 63 bytes',
    ],
    [{ ...KUBERNETES, api_server: "a" }, `invalid "discovery.kubernetes.api_server": ${NO_URL}`],
    [{ ...KUBERNETES, token_file: "" }, `invalid "discovery.kubernetes.token_file": ${NO_TEXT}`],
    [
      { ...KUBERNETES, tls: { ca: "/a" } },
      'invalid "discovery.kubernetes.tls.ca": is not supported: set the file by nginx\'s directive ' +
        "lua_ssl_trusted_certificate",
    ],
    [
      { ...KUBERNETES, api_server: "http://a", tls: {} },
      'invalid "discovery.kubernetes.tls": requires https:// addresses, unlike "http://a"',
    ],
    [
      { ...KUBERNETES, family: "ipx" },
      'invalid "discovery.kubernetes.family": must be one of "ipv4", "ipv6"',
    ],
  ]);
});
