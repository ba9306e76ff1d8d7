import type { DnsLibrary, DnsRecord, DnsResolver } from "resty.dns.resolver";
import { parse_address, type Address } from "../config/address";
import type { Result } from "../lib/result";
import { unexpected } from "../lib/schema";
import { refusal_of_service } from "../net/allowed";
import { wait_for } from "../net/wait";
import { TYPES, type RecordType } from "./dns_records";

/** Asks DNS resolvers with lua-resty-dns, which is part of OpenResty and a package of Debian. */

/** Resolvers that are asked one after the other until one answers. */
export interface Resolvers {
  places: Address[];
  /** The resolvers that are in use, by their index in `places`. */
  open: LuaTable<number, DnsResolver | undefined>;
  current: number;
}

/** How often a question is sent, and how long each answer may take, in milliseconds. */
const TRIES = 2;
const TIMEOUT = 1000;
/** The response code for a name that does not exist. */
const NXDOMAIN = 3;

const MODULES = ["resty.dns.resolver", "nginx.dns.resolver"];
const MISSING = "the library lua-resty-dns is missing; on Debian, install the package lua-nginx-dns";

function load(): DnsLibrary | undefined {
  for (const name of MODULES) {
    const [is_there, loaded] = pcall(require, name);
    if (is_there) return loaded as DnsLibrary;
  }
  return undefined;
}

const library = load();

/** Makes resolvers. `first` is any number; it selects the resolver that is asked first. */
export function new_resolvers(addresses: readonly string[], first: number): Resolvers {
  const places: Address[] = [];
  for (const address of addresses) {
    const [place] = parse_address(address);
    if (place !== undefined) places.push(place);
  }
  return { places, open: new LuaTable(), current: first % math.max(1, places.length) };
}

function open(resolvers: Resolvers): Result<DnsResolver> {
  const { places, current } = resolvers;
  const before = resolvers.open.get(current);
  if (before !== undefined) return $multi(before, undefined);
  if (library === undefined) return $multi(undefined, MISSING);
  const { host, port } = places[current];
  const refused = refusal_of_service(host, port);
  if (refused !== undefined) return $multi(undefined, refused);
  const [made, cause] = library.new({ nameservers: [[host, port]], retrans: TRIES, timeout: TIMEOUT });
  if (made !== undefined) resolvers.open.set(current, made);
  return $multi(made, cause);
}

function query(resolvers: Resolvers, name: string, record_type: RecordType): Result<DnsRecord[]> {
  const [resolver, refused] = open(resolvers);
  if (resolver === undefined) return $multi(undefined, refused);
  const options = { qtype: TYPES[record_type], additional_section: record_type === "SRV" };
  const [records, cause] = resolver.query(name, options);
  if (records === undefined) return $multi(undefined, cause);
  if (records.errcode === NXDOMAIN) return $multi([], undefined);
  if (records.errcode !== undefined) return $multi(undefined, records.errstr);
  return $multi(records, undefined);
}

/**
 * Asks one resolver. The library raises errors for some malformed answers, which would end the light thread.
 */
function query_safely(resolvers: Resolvers, name: string, record_type: RecordType): Result<DnsRecord[]> {
  let records: DnsRecord[] | undefined;
  let cause: string | undefined;
  const [returned, failure] = pcall(() => {
    [records, cause] = query(resolvers, name, record_type);
  });
  if (returned) return $multi(records, cause);
  ngx.log(ngx.NOTICE, `sluice: lua-resty-dns has raised an error: ${tostring(failure)}`);
  return $multi(undefined, unexpected("dns", "lua-resty-dns cannot parse it"));
}

/**
 * Asks the resolvers one by one until one answers. The records include the additional ones of an SRV answer;
 * a name or type that does not exist has none. Phases that have light threads.
 */
export function ask(
  resolvers: Resolvers,
  name: string,
  record_type: RecordType,
  is_over: (this: void) => boolean,
): Result<DnsRecord[]> {
  const { places } = resolvers;
  const causes: string[] = [];
  while (causes.length < places.length && !is_over()) {
    const [records, cause] = wait_for(() => query_safely(resolvers, name, record_type), is_over);
    if (records !== undefined) return $multi(records, undefined);
    causes.push(`${places[resolvers.current].server}: ${cause ?? ""}`);
    resolvers.open.delete(resolvers.current);
    resolvers.current = (resolvers.current + 1) % places.length;
  }
  return $multi(
    undefined,
    `could not look up the ${record_type} records of ${name}: ${table.concat(causes, "; ")}`,
  );
}
