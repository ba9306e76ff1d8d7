import { ip_bytes, MAPPING } from "./ip";
import type { Result } from "./result";

/** Networks of IP addresses in CIDR notation. Pure. */

/** A network. IPv4-mapped IPv6 is IPv4. */
export interface Network {
  /** The four or 16 bytes of its first address. */
  first: string;
  /** The number of bits that all its addresses share. */
  length: number;
}

/** The networks of a family whose prefixes have one length. */
interface Group {
  /** The number of bytes of an address. */
  size: number;
  length: number;
  /** The texts of the networks by their prefixes. */
  members: LuaTable<string, string | undefined>;
}

/** A set of networks. A search takes one step for each length of prefixes, however many networks they are. */
export interface Networks {
  groups: Group[];
}

const BITS = 8;
const MAPPING_BITS = MAPPING.length * BITS;
const EXAMPLE = 'must be an IP address or a network, such as "10.0.0.0/8"';

/** Returns the first bits of an address, padded with zeros to a whole byte. */
function prefix_of(bytes: string, length: number): string {
  const whole = math.floor(length / BITS);
  const rest = length % BITS;
  const start = string.sub(bytes, 1, whole);
  if (rest === 0) return start;
  const byte = string.byte(bytes, whole + 1);
  return start + string.char(byte - (byte % 2 ** (BITS - rest)));
}

/** Parses `10.0.0.1`, `10.0.0.0/8` or `fd00::/8`. Returns the network, or undefined and the reason. */
export function parse_network(text: string): Result<Network> {
  const [slash] = string.find(text, "/", 1, true);
  const bytes = ip_bytes(string.sub(text, 1, (slash ?? 0) - 1));
  if (bytes === undefined) return $multi(undefined, EXAMPLE);
  const most = bytes.length * BITS;
  const digits = slash === undefined ? `${most}` : string.sub(text, slash + 1);
  if (string.find(digits, "^%d+$")[0] === undefined) return $multi(undefined, EXAMPLE);
  const length = tonumber(digits) as number;
  if (length > most) return $multi(undefined, `must have a prefix of at most ${most} bits`);
  const is_mapped = bytes.length > MAPPING.length && string.sub(bytes, 1, MAPPING.length) === MAPPING;
  if (is_mapped && length >= MAPPING_BITS)
    return checked({ first: string.sub(bytes, MAPPING.length + 1), length: length - MAPPING_BITS });
  return checked({ first: bytes, length });
}

/** Refuses a network whose address has bits after the prefix: the prefix or the address is wrong. */
function checked(network: Network): Result<Network> {
  const { first, length } = network;
  const prefix = prefix_of(first, length);
  if (prefix + string.rep("\0", first.length - prefix.length) !== first)
    return $multi(undefined, `must be the first address of a network of ${length} bits`);
  return $multi(network, undefined);
}

/** Makes the set of the networks that some texts name. Other texts are left out. */
export function networks_of(texts: readonly string[]): Networks {
  const groups: Group[] = [];
  for (const text of texts) {
    const [network] = parse_network(text);
    if (network !== undefined) add(groups, network, text);
  }
  return { groups };
}

function add(groups: Group[], { first, length }: Network, text: string): void {
  let group: Group | undefined;
  for (const known of groups) {
    if (known.size === first.length && known.length === length) group = known;
  }
  if (group === undefined) {
    group = { size: first.length, length, members: new LuaTable() };
    groups.push(group);
  }
  group.members.set(prefix_of(first, length), text);
}

/** Returns the text of a network that has an address; undefined: none has it. `bytes`: not IPv4-mapped. */
export function network_with({ groups }: Networks, bytes: string): string | undefined {
  for (const { size, length, members } of groups) {
    const text = size === bytes.length ? members.get(prefix_of(bytes, length)) : undefined;
    if (text !== undefined) return text;
  }
  return undefined;
}

/** Returns whether a network is a part of one network of a set. */
export function has_network({ groups }: Networks, { first, length: own_length }: Network): boolean {
  for (const { size, length, members } of groups) {
    if (size === first.length && length <= own_length && members.has(prefix_of(first, length))) return true;
  }
  return false;
}
