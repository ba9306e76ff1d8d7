import * as clock from "../../lib/clock";
import type { Result } from "../../lib/result";
import { ask } from "./ask";
import { domain_name } from "./message";
import { fixed_addresses, full_names, lookup_options, type LookupOptions } from "./system";
import { addresses_of_targets, type AllAddresses, type Asker, type TargetAddresses } from "./targets";

/** Looks up the addresses of host names. */

/** What is known of a host. */
export interface HostAddresses extends TargetAddresses {
  /** The name that was looked up last, in canonical form. */
  name: string;
  /** All answers; its `known` belongs to the next lookup. */
  all: AllAddresses;
}

interface Cached {
  hosts: string[];
  until: number;
}

/** Bounds of the time between two lookups of a name, in seconds. */
export const SHORTEST_TTL = 1;
export const LONGEST_TTL = 300;
/** Time between two looks at addresses that come from no DNS server, in seconds. */
const FIXED_TTL = 5;
/** How long a failure keeps the last addresses, in seconds. */
const RETRY_SECONDS = 1;
/** How long a connection to a name with known addresses waits for newer ones, in seconds. */
const LONGEST_REFRESH = 0.5;
const LONGEST_ABSENCE = 30;
const MOST_CACHED = 1000;

/** Returns how the addresses of a name are looked up. `valid` is for answers: failures are repeated soon. */
export function new_asker(
  { families, valid }: LookupOptions,
  known: Asker["known"],
  ask_for: Asker["ask"],
): Required<Asker> {
  return {
    ask: ask_for,
    families,
    known,
    now: clock.now,
    min_ttl: valid ?? SHORTEST_TTL,
    max_ttl: valid ?? LONGEST_TTL,
    retry: {
      least: math.min(SHORTEST_TTL, valid ?? SHORTEST_TTL),
      most: math.min(LONGEST_TTL, valid ?? LONGEST_TTL),
    },
  };
}

function fixed_result(name: string, hosts: string[], { known }: Asker): HostAddresses {
  const targets = new LuaTable<string, TargetAddresses>();
  const target: TargetAddresses = { hosts, unknown: [], problem: undefined };
  targets.set(name, target);
  return { ...target, name, all: { targets, ttl: FIXED_TTL, answered: 1, cause: undefined, known } };
}

/** Looks up a name, in the search domains too. Phases that have cosockets. */
export function look_up_host(asker: Asker, options: LookupOptions, name: string): HostAddresses {
  const plain = domain_name(name);
  const fixed = fixed_addresses(options, plain);
  if (fixed !== undefined) return fixed_result(plain, fixed, asker);
  const known: Asker["known"] = new LuaTable();
  let found: HostAddresses | undefined;
  let failed: HostAddresses | undefined;
  for (const candidate of full_names(options, name)) {
    const all = addresses_of_targets(asker, [candidate], []);
    for (const [question, addresses] of pairs(all.known)) known.set(question, addresses);
    const target = all.targets.get(candidate);
    // A name that is known not to exist is looked up again when the first of its negative answers expires.
    all.ttl = math.min(all.ttl, found?.all.ttl ?? math.huge);
    found = { ...target, name: candidate, all: { ...all, known } };
    // Where only one family fails and the other has no address, another domain may have the name. Where
    // nothing is answered, no other domain is asked: this one may have it.
    if (target.hosts.length > 0) return found;
    if (target.problem !== undefined) failed = failed ?? found;
    if (all.answered === 0) break;
  }
  return failed ?? found ?? fixed_result(plain, [], asker);
}

const cache = new LuaTable<string, Cached | undefined>();
let cached = 0;

function keep(key: string, entry: Cached): void {
  if (cached >= MOST_CACHED) {
    for (const [old] of pairs(cache)) cache.delete(old);
    cached = 0;
  }
  if (!cache.has(key)) cached += 1;
  cache.set(key, entry);
}

function some_hosts(name: string, hosts: string[]): Result<string[]> {
  if (hosts.length > 0) return $multi(hosts, undefined);
  return $multi(undefined, `the host name "${name}" has no address`);
}

/**
 * Looks up a name now, for at most `longest` seconds. Returns its addresses and how long they are valid, or
 * undefined and the cause.
 */
function look_up_now(
  options: LookupOptions,
  name: string,
  is_over: (this: void) => boolean,
  longest = math.huge,
): LuaMultiReturn<[hosts: string[] | undefined, seconds: number, cause: string | undefined]> {
  const end = clock.now() + longest;
  const asker = new_asker(options, new LuaTable(), (its_name, record_type) =>
    ask(options.resolvers, its_name, record_type, is_over, end - clock.now()),
  );
  const { min_ttl, max_ttl, retry } = asker;
  const { hosts, problem, all } = look_up_host(asker, options, name);
  if (hosts.length === 0 && problem !== undefined) return $multi(undefined, 0, problem);
  const most = hosts.length === 0 ? math.min(math.max(LONGEST_ABSENCE, min_ttl), max_ttl) : max_ttl;
  return $multi(hosts, math.max(retry.least, math.min(most, all.ttl)), undefined);
}

/**
 * Returns the addresses of a host for a connection, IPv4 first, in the notation of nginx. This worker keeps
 * them as long as they are valid, and longer while no DNS server answers: then the lookup ends early, so that
 * the connection has time left for them. Phases that have cosockets.
 */
export function addresses_of_host(name: string, is_over: (this: void) => boolean): Result<string[]> {
  const known = cache.get(name);
  if (known !== undefined && known.until > clock.now()) return some_hosts(name, known.hosts);
  const longest = known === undefined ? math.huge : LONGEST_REFRESH;
  const [found, seconds, cause] = look_up_now(lookup_options(), name, is_over, longest);
  const hosts = found ?? known?.hosts;
  if (hosts === undefined) return $multi(undefined, cause);
  // Another lookup may have emptied the cache meanwhile, so known addresses are put into it again.
  keep(name, { hosts, until: clock.now() + (found === undefined ? RETRY_SECONDS : seconds) });
  return some_hosts(name, hosts);
}

/** Looks up a name once, without what is known of it. Phases that have cosockets. */
export function look_up_once(
  options: LookupOptions,
  name: string,
  is_over: (this: void) => boolean,
): Result<string[]> {
  const [hosts, , cause] = look_up_now(options, name, is_over);
  if (hosts === undefined) return $multi(undefined, cause);
  return some_hosts(name, hosts);
}
