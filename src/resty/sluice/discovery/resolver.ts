import type { DnsLibrary, DnsRecord, DnsResolver } from "resty.dns.resolver";
import { parse_address, type Address } from "../config/address";
import { unexpected } from "../lib/schema";
import { wait_for } from "../net/wait";
import { TYPES, type RecordType } from "./dns_records";

/** Asking DNS resolvers, by the library that comes with OpenResty and that Debian has as a package. */

/** Resolvers of which one is asked, and the next when that one fails. */
export interface Resolvers {
  places: Address[];
  /** By the number of the place: those that have been asked and have not failed since. */
  open: LuaTable<number, DnsResolver | undefined>;
  /** The number of the one to ask first. */
  current: number;
}

type Answered = LuaMultiReturn<[DnsRecord[] | undefined, string | undefined]>;

/** A question is sent so often, and each time waited for so many milliseconds. */
const TRIES = 2;
const TIMEOUT = 1000;
/** The name does not exist. */
const NXDOMAIN = 3;

const MODULES = ["resty.dns.resolver", "nginx.dns.resolver"];
const MISSING = "the library lua-resty-dns is not there: on Debian it is the package lua-nginx-dns";

function load(): DnsLibrary | undefined {
  for (const name of MODULES) {
    const [is_there, loaded] = pcall(require, name);
    if (is_there) return loaded as DnsLibrary;
  }
  return undefined;
}

const library = load();

/** Makes resolvers. `first`: any number; tells which of them is asked first. */
export function new_resolvers(addresses: readonly string[], first: number): Resolvers {
  const places: Address[] = [];
  for (const address of addresses) {
    const [place] = parse_address(address);
    if (place !== undefined) places.push(place);
  }
  return { places, open: new LuaTable(), current: first % math.max(1, places.length) };
}

function open(resolvers: Resolvers): LuaMultiReturn<[DnsResolver | undefined, string | undefined]> {
  const { places, current } = resolvers;
  const before = resolvers.open.get(current);
  if (before !== undefined) return $multi(before, undefined);
  if (library === undefined) return $multi(undefined, MISSING);
  const { host, port } = places[current];
  const [made, cause] = library.new({ nameservers: [[host, port]], retrans: TRIES, timeout: TIMEOUT });
  if (made !== undefined) resolvers.open.set(current, made);
  return $multi(made, cause);
}

function query(resolvers: Resolvers, name: string, record_type: RecordType): Answered {
  const [resolver, refused] = open(resolvers);
  if (resolver === undefined) return $multi(undefined, refused);
  const options = { qtype: TYPES[record_type], additional_section: record_type === "SRV" };
  const [records, cause] = resolver.query(name, options);
  if (records === undefined) return $multi(undefined, cause);
  if (records.errcode === NXDOMAIN) return $multi([], undefined);
  if (records.errcode !== undefined) return $multi(undefined, records.errstr);
  return $multi(records, undefined);
}

/** The library raises errors for some answers that are no DNS, and nobody would notice that in a light thread. */
function query_safely(resolvers: Resolvers, name: string, record_type: RecordType): Answered {
  let records: DnsRecord[] | undefined;
  let cause: string | undefined;
  const [returned, failure] = pcall(() => {
    [records, cause] = query(resolvers, name, record_type);
  });
  if (returned) return $multi(records, cause);
  ngx.log(ngx.NOTICE, `sluice: lua-resty-dns has raised an error: ${tostring(failure)}`);
  return $multi(undefined, unexpected("dns", "the library cannot read it"));
}

/**
 * Asks for the records of a name, and another resolver when one fails. Phases that have light threads.
 *
 * @param is_over whether nobody waits any more
 * @returns the records of the answer, of an SRV answer the additional ones too: none when the name or the type does not
 * exist; or undefined and the cause: no resolver has answered
 */
export function ask(
  resolvers: Resolvers,
  name: string,
  record_type: RecordType,
  is_over: (this: void) => boolean,
): Answered {
  const { places } = resolvers;
  const causes: string[] = [];
  while (causes.length < places.length && !is_over()) {
    const [records, cause] = wait_for(() => query_safely(resolvers, name, record_type), is_over);
    if (records !== undefined) return $multi(records, undefined);
    causes.push(`${places[resolvers.current].server}: ${cause ?? ""}`);
    resolvers.open.delete(resolvers.current);
    resolvers.current = (resolvers.current + 1) % places.length;
  }
  return $multi(undefined, `could not ask for ${record_type} of ${name}: ${table.concat(causes, "; ")}`);
}
