import { block, with_default, type ConfigOf } from "./block";
import { read_flag, whole_from } from "./values";

const MOST_SERVERS = 100000;

/** How an upstream prefers the servers in the zone of the gateway, which `setup` names. */
export const ZONES = block({
  /** Prefer local servers as long as they can carry the load. */
  prefer: with_default(read_flag, true),
  /** Fewest local servers. While there are fewer, zones are ignored. */
  min_servers: with_default(whole_from(1, MOST_SERVERS), 1),
});
export type ZonesConfig = ConfigOf<typeof ZONES>;
