import { accept_each, DOCKER, NO_TEXT, NO_URL, refuse_each } from "../../support/discovery";

const NO_SOCKET = "must be unix: and an absolute path of at most 107 printable ASCII characters";

describe("discovery.docker", () => {
  accept_each("docker", [
    [{}, DOCKER],
    [DOCKER],
    [
      { network: "front", upstream: "shop.v2" },
      { ...DOCKER, network: "front", upstream: "shop.v2" },
    ],
    [{ endpoint: `unix:/${string.rep("x", 106)}` }],
    [{ endpoint: "http://127.0.0.1:2375" }],
    [{ endpoint: "https://proxy:2376", tls: { verify: false } }],
  ]);

  refuse_each("docker", [
    [{ endpoint: "unix:run/docker.sock" }, `invalid "discovery.docker.endpoint": ${NO_SOCKET}`],
    [{ endpoint: "unix:/a b" }, `invalid "discovery.docker.endpoint": ${NO_SOCKET}`],
    [{ endpoint: "unix:///run/docker.sock\n" }, `invalid "discovery.docker.endpoint": ${NO_SOCKET}`],
    [{ endpoint: `unix:/${string.rep("x", 107)}` }, `invalid "discovery.docker.endpoint": ${NO_SOCKET}`],
    [{ endpoint: "/run/docker.sock" }, `invalid "discovery.docker.endpoint": ${NO_URL}`],
    [{ endpoint: "tcp://127.0.0.1:2375" }, `invalid "discovery.docker.endpoint": ${NO_URL}`],
    [{ endpoint: 7 }, `invalid "discovery.docker.endpoint": ${NO_TEXT}`],
    [{ network: "" }, `invalid "discovery.docker.network": ${NO_TEXT}`],
    [
      { upstream: string.rep("x", 257) },
      'invalid "discovery.docker.upstream": must not be longer than 256 bytes',
    ],
    [
      { ...DOCKER, tls: {} },
      'invalid "discovery.docker.tls": requires https:// addresses, unlike "unix:/var/run/docker.sock"',
    ],
    [{ socket: "unix:/a" }, 'unknown parameter "discovery.docker.socket"'],
  ]);
});
