import type { Result } from "../../lib/result";
import { domain_name, Section, TYPES, type DnsRecord, type RecordType } from "./message";

/** Selects the records of a name from DNS answers, and follows its aliases. Pure: the caller asks. */

/** The records of a name. */
export interface Found {
  /** The records of the requested type; empty if the name has none of that type or does not exist. */
  records: DnsRecord[];
  /** The records of the additional section. */
  additional: DnsRecord[];
  /** The smallest TTL of the records and their aliases, in seconds; `math.huge` without any. */
  ttl: number;
  /** Without records: how long that stays so, in seconds; undefined: the answer does not say it. */
  negative_ttl: number | undefined;
}

/** Asks for records of a type. Returns all records of the answer, or undefined and the cause. */
export type Ask = (this: void, name: string, record_type: RecordType) => Result<DnsRecord[]>;

/** The requested name and its aliases, as far as they are known. */
interface Chain {
  names: LuaSet<string>;
  last: string;
  length: number;
  ttl: number;
}

const MOST_ALIASES = 16;

/** Follows the aliases of an answer to the last name. Returns false if they form a loop or are too many. */
function follow_aliases(chain: Chain, records: readonly DnsRecord[]): boolean {
  const aliases = new LuaTable<string, DnsRecord | undefined>();
  for (const record of records) {
    if (record.section === Section.ANSWER && record.type === TYPES.CNAME) aliases.set(record.name, record);
  }
  let alias = aliases.get(chain.last);
  while (alias !== undefined) {
    chain.last = alias.target as string;
    chain.length += 1;
    chain.ttl = math.min(chain.ttl, alias.ttl);
    if (chain.names.has(chain.last) || chain.length > MOST_ALIASES) return false;
    chain.names.add(chain.last);
    alias = aliases.get(chain.last);
  }
  return true;
}

function found_in(chain: Chain, records: readonly DnsRecord[], wanted: number): Found {
  const found: Found = { records: [], additional: [], ttl: chain.ttl, negative_ttl: undefined };
  for (const record of records) {
    const { section, type: record_type, name, ttl } = record;
    if (section === Section.ADDITIONAL) {
      found.additional.push(record);
    } else if (section === Section.AUTHORITY && record_type === TYPES.SOA) {
      // RFC 2308: the smaller one of the two.
      found.negative_ttl = math.min(ttl, record.minimum ?? 0, chain.ttl);
    } else if (section === Section.ANSWER && record_type === wanted && chain.names.has(name)) {
      found.records.push(record);
      found.ttl = math.min(found.ttl, ttl);
    }
  }
  return found;
}

/**
 * Looks up the records of a name. If an answer contains only aliases, the last of them is looked up next,
 * because an authoritative server does not follow aliases to other zones.
 */
export function look_up_name(ask: Ask, name: string, record_type: RecordType): Result<Found> {
  const first = domain_name(name);
  const chain: Chain = { names: new LuaSet(), last: first, length: 0, ttl: math.huge };
  chain.names.add(first);
  while (true) {
    const asked = chain.last;
    const [records, cause] = ask(asked, record_type);
    if (records === undefined) return $multi(undefined, cause);
    if (!follow_aliases(chain, records))
      return $multi(undefined, `the CNAME records of ${name} form a loop or are more than ${MOST_ALIASES}`);
    const found = found_in(chain, records, TYPES[record_type]);
    if (found.records.length > 0 || chain.last === asked) return $multi(found, undefined);
  }
}
