import * as clock from "../../lib/clock";
import { read_file } from "../../lib/file";
import { ip_bytes, ip_text } from "../../lib/ip";
import { new_resolvers, type Resolvers } from "./ask";
import type { Place } from "./exchange";
import { domain_name } from "./message";
import { FAMILIES, type Family } from "./targets";

/** How host names are looked up, and what the system says about it: `/etc/resolv.conf` and `/etc/hosts`. */

export interface LookupOptions {
  resolvers: Resolvers;
  families: readonly Family[];
  /** Time after which a name is looked up again, in seconds; undefined: the TTL of its records decides. */
  valid: number | undefined;
  /** Domains in which names with fewer than `ndots` dots are looked up first, and the others last. */
  search: readonly string[];
  ndots: number;
  /** Addresses of `/etc/hosts` come before those of DNS. */
  reads_hosts: boolean;
}

interface CachedFile<T> {
  path: string;
  text: string | undefined;
  value: T;
  read_at: number;
}

const RESOLV_CONF = "/etc/resolv.conf";
const HOSTS = "/etc/hosts";
const LARGEST_FILE = 262144;
/** The files are read again after this time, in seconds. */
const FRESH_SECONDS = 5;
const MOST_SERVERS = 8;
const MOST_DOMAINS = 6;
const DNS_PORT = 53;
const PATIENCE = 2;
const LONGEST_PATIENCE = 30;
const ROUNDS = 2;
const MOST_ROUNDS = 5;
const MOST_DOTS = 15;
const LOCALHOST: Record<Family, string> = { A: "127.0.0.1", AAAA: "[::1]" };

function option_in(options: string, name: string, standard: number, least: number, most: number): number {
  let value = standard;
  for (const [word] of string.gmatch(options, "%S+")) {
    const [its_name, digits] = string.match(word, "^(%a+):(%d+)$");
    if (its_name === name) value = tonumber(digits) ?? standard;
  }
  return math.max(least, math.min(most, value));
}

function place_at(text: string): Place | undefined {
  const bytes = ip_bytes(text);
  if (bytes === undefined) return undefined;
  const host = bytes.length === 4 ? ip_text(bytes) : `[${ip_text(bytes)}]`;
  return { server: `${host}:${DNS_PORT}`, host, port: DNS_PORT };
}

/** Reads the text of a `resolv.conf`. As in the C library, the last `search` or `domain` counts. Pure. */
export function parse_resolv_conf(text: string): LookupOptions {
  const places: Place[] = [];
  let search: string[] = [];
  const options: string[] = [];
  for (const [line] of string.gmatch(text, "[^\n]+")) {
    const [word, rest] = string.match(line, "^%s*(%a+)%s+(.*)$");
    if (word === "nameserver") {
      const place = place_at(string.match(rest, "^%S*")[0]);
      if (place !== undefined && places.length < MOST_SERVERS) places.push({ ...place, is_of_system: true });
    } else if (word === "search" || word === "domain") {
      search = [];
      for (const [domain] of string.gmatch(rest, "%S+")) {
        const name = domain_name(domain);
        if (search.length < MOST_DOMAINS && name !== "") search.push(name);
      }
    } else if (word === "options") {
      options.push(rest);
    }
  }
  if (places.length === 0) places.push({ ...(place_at("127.0.0.1") as Place), is_of_system: true });
  const all = table.concat(options, " ");
  const patience = option_in(all, "timeout", PATIENCE, 1, LONGEST_PATIENCE);
  const rounds = option_in(all, "attempts", ROUNDS, 1, MOST_ROUNDS);
  return {
    resolvers: new_resolvers(places, 0, math.huge, patience, rounds),
    families: FAMILIES,
    valid: undefined,
    search,
    ndots: option_in(all, "ndots", 1, 0, MOST_DOTS),
    reads_hosts: true,
  };
}

/** Reads the text of a `hosts` file: addresses in the notation of nginx by name. Pure. */
export function parse_hosts(text: string): LuaTable<string, string[] | undefined> {
  const hosts = new LuaTable<string, string[] | undefined>();
  for (const [line] of string.gmatch(text, "[^\n]+")) {
    const [address, names] = string.match(line, "^%s*([^%s#]+)%s+([^#]*)");
    const place = address === undefined ? undefined : place_at(address);
    if (place !== undefined) {
      for (const [name] of string.gmatch(names, "%S+")) {
        const known = hosts.get(domain_name(name)) ?? [];
        if (!known.includes(place.host)) known.push(place.host);
        hosts.set(domain_name(name), known);
      }
    }
  }
  return hosts;
}

function new_file<T>(path: string, value: T): CachedFile<T> {
  return { path, text: undefined, value, read_at: -math.huge };
}

/** Reads a file again when that is due, and parses it if it has changed. */
function fresh<T>(file: CachedFile<T>, parse: (this: void, text: string) => T): T {
  const now = clock.now();
  if (now - file.read_at < FRESH_SECONDS) return file.value;
  file.read_at = now;
  const text = read_file(file.path, LARGEST_FILE)[0] ?? "";
  if (text !== file.text) {
    file.text = text;
    file.value = parse(text);
  }
  return file.value;
}

const resolv_conf = new_file(RESOLV_CONF, parse_resolv_conf(""));
const hosts_file = new_file(HOSTS, new LuaTable<string, string[] | undefined>());

let chosen: LookupOptions | undefined;

/** Sets the options of this Lua VM; undefined: those of the system. Phase: init_by_lua. */
export function use_lookup_options(options: LookupOptions | undefined): void {
  chosen = options;
}

/** Returns whether `setup` has named DNS servers. Any phase. */
export function has_lookup_options(): boolean {
  return chosen !== undefined;
}

/** Returns the options of `setup`, else those of `/etc/resolv.conf`. Any phase. */
export function lookup_options(): LookupOptions {
  return chosen ?? fresh(resolv_conf, parse_resolv_conf);
}

function is_of_family(host: string, family: Family): boolean {
  return (string.sub(host, 1, 1) === "[") === (family === "AAAA");
}

/** Returns the addresses of a name that need no DNS server; undefined: there are none. Any phase. */
export function fixed_addresses(
  { families, reads_hosts }: LookupOptions,
  name: string,
): string[] | undefined {
  const all = reads_hosts ? fresh(hosts_file, parse_hosts).get(name) : undefined;
  const listed = (all ?? []).filter((host) => families.some((family) => is_of_family(host, family)));
  if (listed.length > 0) return listed;
  // RFC 6761: these names never leave the machine.
  const is_local = name === "localhost" || string.sub(name, -10) === ".localhost";
  return is_local ? families.map((family) => LOCALHOST[family]) : undefined;
}

/** Returns the names under which a name is looked up, one after the other. Any phase. */
export function full_names({ search, ndots }: LookupOptions, name: string): string[] {
  const plain = domain_name(name);
  if (search.length === 0 || string.sub(name, -1) === ".") return [plain];
  const [, dots] = string.gsub(plain, "%.", "");
  const longer = search.map((domain) => `${plain}.${domain}`);
  return dots >= ndots ? [plain].concat(longer) : longer.concat([plain]);
}
