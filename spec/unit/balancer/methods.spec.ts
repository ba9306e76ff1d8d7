import { new_method } from "../../../src/resty/sluice/balancer/methods";
import { encode } from "../../../src/resty/sluice/lib/json";
import { CONFIGURATIONS, is_drawn } from "./configurations";
import { contract } from "./contract";
import { peek_contract } from "./peek_contract";
import type { NewMethod } from "./peers";

for (const config of CONFIGURATIONS) {
  describe(`the method ${encode(config)}`, () => {
    const make: NewMethod = (surroundings) => new_method(config, surroundings);
    for (const [promise, body] of contract(make)) it(promise, body);
  });

  describe(`peek of the method ${encode(config)}`, () => {
    const make: NewMethod = (surroundings) => new_method(config, surroundings);
    for (const [promise, body] of peek_contract(make, is_drawn(config))) it(promise, body);
  });
}
