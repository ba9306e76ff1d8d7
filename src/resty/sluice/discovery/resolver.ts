import { parse_address } from "../config/address";
import type { ResolverConfig } from "../config/resolver";
import { seconds_of } from "../config/time";
import { new_resolvers } from "../net/dns/ask";
import type { Place } from "../net/dns/exchange";
import { lookup_options, type LookupOptions } from "../net/dns/system";
import type { Family } from "../net/dns/targets";

/** The option `resolver`, as the lookup of names needs it. */

/** Returns the places of DNS servers. */
export function places_of(addresses: readonly string[]): Place[] {
  const places: Place[] = [];
  for (const address of addresses) {
    const [place] = parse_address(address);
    if (place !== undefined) places.push(place);
  }
  return places;
}

/** Returns how names are looked up with a `resolver`. `first` selects the server that is asked first. */
export function options_of(config: ResolverConfig, first = 0): LookupOptions {
  const families: Family[] = [];
  if (config.ipv4) families.push("A");
  if (config.ipv6) families.push("AAAA");
  return {
    resolvers: new_resolvers(places_of(config.addresses), first, seconds_of(config.timeout)),
    families,
    valid: config.valid === undefined ? undefined : seconds_of(config.valid),
    search: [],
    ndots: 0,
    reads_hosts: false,
  };
}

/** As `options_of`, with the default for an upstream without a `resolver`. */
export function options_or_default(config: ResolverConfig | undefined, first = 0): LookupOptions {
  return config === undefined ? lookup_options() : options_of(config, first);
}
