import { new_method } from "../../../src/resty/sluice/balancer/methods";
import type { BalancingConfig } from "../../../src/resty/sluice/config/balancing";
import { encode } from "../../../src/resty/sluice/lib/json";
import { contract } from "./contract";
import { peek_contract } from "./peek_contract";
import type { NewMethod } from "./peers";

const HASH = { key: "$uri", consistent: false };

/** All methods, with all parameters that change them. */
const CONFIGURATIONS: BalancingConfig[] = [
  { method: "round_robin" },
  { method: "least_conn" },
  { method: "least_time", least_time: { measure: "header", inflight: false } },
  { method: "least_time", least_time: { measure: "last_byte", inflight: true } },
  { method: "random" },
  { method: "random", random: { two: "least_conn" } },
  { method: "random", random: { two: "least_time" } },
  { method: "hash", hash: HASH },
  { method: "hash", hash: { ...HASH, consistent: true } },
  { method: "hash", hash: { ...HASH, consistent: true, balance_factor: 125 } },
  { method: "ip_hash" },
];

for (const config of CONFIGURATIONS) {
  describe(`the method ${encode(config)}`, () => {
    const make: NewMethod = (surroundings) => new_method(config, surroundings);
    for (const [promise, body] of contract(make)) it(promise, body);
  });

  describe(`peek of the method ${encode(config)}`, () => {
    const make: NewMethod = (surroundings) => new_method(config, surroundings);
    for (const [promise, body] of peek_contract(make, config.method === "random")) it(promise, body);
  });
}
