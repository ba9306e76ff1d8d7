/** Helpers of the specs of `discovery`, which is read as a setting of an upstream. */
import type { Read } from "../../../src/resty/sluice/config/reader";
import { read_settings, type UpstreamSettings } from "../../../src/resty/sluice/config/settings";
import { encode } from "../../../src/resty/sluice/lib/json";
import { expect } from "./expect";

/** The minimal configuration of each registry. */
export const ETCD = { endpoints: ["http://127.0.0.1:2379"], prefix: "/upstreams/app/" };
export const CONSUL = { address: "http://127.0.0.1:8500", service: "app" };
export const CONSUL_KV = { address: "http://127.0.0.1:8500", prefix: "upstreams/app/" };
export const DNS = { name: "app.example", port: 80, resolvers: ["127.0.0.1"] };
export const DOCKER = { endpoint: "unix:/var/run/docker.sock" };
export const KUBERNETES = { service: "app", port: "http" };
export const FILE = { path: "/etc/app.json" };

/** The defaults of a service of Kubernetes. */
export const KUBERNETES_DEFAULTS = {
  namespace: "default",
  api_server: "https://kubernetes.default.svc",
  token_file: "/var/run/secrets/kubernetes.io/serviceaccount/token",
};
export const KUBERNETES_READ = { ...KUBERNETES_DEFAULTS, ...KUBERNETES };

export const GUARD = { max_removal_percent: 50, removal_confirmations: 3 };

export const NO_TEXT = "must be a non-empty string";
export const NO_URL = "must be http:// or https:// and a host, without a path";

export type DiscoveryConfig = Pick<UpstreamSettings, "discovery">;

export function read_discovery(
  input: Record<string, unknown>,
  base?: DiscoveryConfig,
): Read<DiscoveryConfig> {
  const [settings, problem] = read_settings(
    input,
    base === undefined ? undefined : { method: "round_robin", ...base },
  );
  if (settings === undefined) return $multi(undefined, problem);
  const { discovery } = settings;
  return $multi(discovery === undefined ? {} : { discovery }, undefined);
}

export function read(discovery: unknown, base?: DiscoveryConfig): DiscoveryConfig | undefined {
  return read_discovery({ discovery }, base)[0];
}

/** Checks that a registry's configuration is read as `wanted`, and that `wanted` is read unchanged. */
export function expect_read(name: string, given: object, wanted = given): void {
  const config = { discovery: { ...GUARD, [name]: wanted } };
  expect(read({ [name]: given })).same(config);
  expect(read(config.discovery)).same(config);
}

export function expect_refused(discovery: unknown, text: string): void {
  const [config, problem] = read_discovery({ discovery });
  expect(config).equal(undefined);
  expect(problem?.status).equal(400);
  expect(problem?.code).equal("UpstreamConfFormatError");
  expect(problem?.text).equal(text);
}

/** Defines a spec for each accepted configuration, given and as it is read. */
export function accept_each(name: string, configs: [given: object, read?: object][]): void {
  for (const [given, wanted] of configs) {
    it(`may be ${encode(given)}`, () => {
      expect_read(name, given, wanted);
    });
  }
}

/** Defines a spec for each refused configuration, with the text of the problem. */
export function refuse_each(name: string, configs: [given: object, text: string][]): void {
  for (const [given, text] of configs) {
    it(`is not ${string.sub(encode(given), 1, 120)}`, () => {
      expect_refused({ [name]: given }, text);
    });
  }
}
