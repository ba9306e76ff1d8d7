import { accept_each, CONSUL, CONSUL_KV, NO_TEXT, NO_URL, refuse_each } from "../../support/discovery";

describe("discovery.consul", () => {
  accept_each("consul", [
    [CONSUL],
    [{ ...CONSUL, tags: ["a", "b"], datacenter: "dc1", token: "t" }],
    [{ ...CONSUL, filter: 'Service.Meta.v == "2"', zone_meta: "rack" }],
  ]);

  refuse_each("consul", [
    [{ service: "app" }, 'invalid "discovery.consul.address": must be given'],
    [{ address: CONSUL.address }, 'invalid "discovery.consul.service": must be given'],
    [{ ...CONSUL, prefix: "a" }, 'unknown parameter "discovery.consul.prefix"'],
    [{ ...CONSUL, address: "a:8500" }, `invalid "discovery.consul.address": ${NO_URL}`],
    [
      { ...CONSUL, service: string.rep("x", 257) },
      'invalid "discovery.consul.service": must not be longer than 256 bytes',
    ],
    [{ ...CONSUL, tags: "a" }, 'invalid "discovery.consul.tags": must be a list'],
    [{ ...CONSUL, tags: [] }, 'invalid "discovery.consul.tags": must be a list of 1 to 16 items'],
    [{ ...CONSUL, tags: ["a", ""] }, `invalid "discovery.consul.tags[1]": ${NO_TEXT}`],
    [{ ...CONSUL, token: "a\nb" }, 'invalid "discovery.consul.token": must not contain control characters'],
    [{ ...CONSUL, filter: "" }, `invalid "discovery.consul.filter": ${NO_TEXT}`],
    [
      { ...CONSUL, filter: string.rep("x", 2049) },
      'invalid "discovery.consul.filter": must not be longer than 2048 bytes',
    ],
    [{ ...CONSUL, zone_meta: 1 }, `invalid "discovery.consul.zone_meta": ${NO_TEXT}`],
    [{ ...CONSUL, datacenter: 1 }, `invalid "discovery.consul.datacenter": ${NO_TEXT}`],
  ]);
});

describe("discovery.consul_kv", () => {
  accept_each("consul_kv", [[CONSUL_KV], [{ ...CONSUL_KV, datacenter: "dc1", token: "t" }]]);

  refuse_each("consul_kv", [
    [{ prefix: "a/" }, 'invalid "discovery.consul_kv.address": must be given'],
    [{ address: CONSUL.address }, 'invalid "discovery.consul_kv.prefix": must be given'],
    [{ ...CONSUL_KV, service: "a" }, 'unknown parameter "discovery.consul_kv.service"'],
  ]);
});
