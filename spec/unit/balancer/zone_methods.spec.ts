import type { Peer } from "../../../src/resty/sluice/balancer/method";
import { new_zone_method } from "../../../src/resty/sluice/balancer/methods";
import { encode } from "../../../src/resty/sluice/lib/json";
import { CONFIGURATIONS, is_drawn } from "./configurations";
import { contract } from "./contract";
import { peek_contract } from "./peek_contract";
import { OWN_ZONE, type NewMethod } from "./peers";

/** The contract of methods, which holds for each method with zones as well. */

const ZONES = [OWN_ZONE, "b", "", "c"];
/** Promises that cannot hold while all requests but few probes stay in the zone. */
const SPREAD = [
  "gives every peer requests, with and without keys",
  "does not pick a peer while it is suspended, from the start or later",
];

interface Case {
  name: string;
  min_servers: number;
  /** The utilization of local peers; that of the others is 0. */
  utilization: number;
}

const CASES: Case[] = [
  { name: "with zones", min_servers: 1, utilization: 0 },
  { name: "with a loaded local zone", min_servers: 1, utilization: 0.5 },
  { name: "with zones that are in effect now and then", min_servers: 3, utilization: 0.4 },
  { name: "with zones that are ignored", min_servers: 1e6, utilization: 0 },
];

for (const config of CONFIGURATIONS) {
  for (const { name, min_servers, utilization } of CASES) {
    const make: NewMethod = (surroundings) => {
      const spread = {
        ...surroundings,
        utilization: (peer: Peer) => (peer.zone === OWN_ZONE ? utilization : 0),
      };
      const method = new_zone_method(config, min_servers, spread);
      const { add } = method;
      method.add = (peer) => {
        peer.zone = ZONES[peer.id % ZONES.length];
        add(peer);
      };
      return method;
    };

    describe(`the method ${encode(config)} ${name}`, () => {
      for (const [promise, body] of contract(make)) {
        if (!SPREAD.includes(promise) || utilization > 0) it(promise, body);
      }
    });

    describe(`peek of the method ${encode(config)} ${name}`, () => {
      for (const [promise, body] of peek_contract(make, is_drawn(config))) it(promise, body);
    });
  }
}
