import type { Directive } from "./directives";
import type { Notes } from "./notes";

/** Reads nginx's directives `resolver` and `resolver_timeout`. */

/** The option `resolver` of an upstream. */
export interface ImportedResolver {
  addresses: string[];
  valid?: string;
  ipv4?: false;
  ipv6?: false;
  timeout?: string;
}

const MOST_ADDRESSES = 8;
const ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|\[[^\]]+\])(:\d+)?$/;

/** Returns a time with a unit, which `valid=30` lacks. */
function timeOf(text: string): string {
  return /^\d+$/.test(text) ? `${text}s` : text;
}

function readWord(resolver: ImportedResolver, word: string, line: Directive, notes: Notes): void {
  const [, name = word, value] = /^(valid|ipv4|ipv6|status_zone)=(.*)$/.exec(word) ?? [];
  if (name === "valid" && value !== undefined) resolver.valid = timeOf(value);
  else if ((name === "ipv4" || name === "ipv6") && value !== undefined) {
    if (value === "off") resolver[name] = false;
  } else if (ADDRESS.test(word) && resolver.addresses.length < MOST_ADDRESSES) resolver.addresses.push(word);
  else notes.leftOut(line, `resolver … ${word}: Sluice takes up to ${MOST_ADDRESSES} IP addresses`);
}

/** Reads the `resolver` of a block. Returns undefined if it has none with an IP address. */
export function readResolver(directives: Directive[], notes: Notes): ImportedResolver | undefined {
  const line = directives.find(({ name }) => name === "resolver");
  if (line === undefined) return undefined;
  const resolver: ImportedResolver = { addresses: [] };
  for (const word of line.args) readWord(resolver, word, line, notes);
  const [timeout] = directives.find(({ name }) => name === "resolver_timeout")?.args ?? [];
  if (timeout !== undefined) resolver.timeout = timeOf(timeout);
  return resolver.addresses.length === 0 ? undefined : resolver;
}
