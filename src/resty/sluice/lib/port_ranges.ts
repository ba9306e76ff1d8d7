import type { Result } from "./result";
import { terminated_parts, trim } from "./text";

/** Lists of ports and of ranges of ports. Pure. */

/** The ports from `first` to `last`. */
export interface PortRange {
  first: number;
  last: number;
}

const LARGEST_PORT = 65535;
const MOST_RANGES = 256;
const EXAMPLE = 'must be ports and ranges of ports, such as "80,443,1024-65535"';

/** Reads a port, which may have spaces around it. */
function port_in(text: string): number | undefined {
  const digits = trim(text);
  if (digits.length > 5 || string.find(digits, "^%d+$")[0] === undefined) return undefined;
  const port = tonumber(digits) as number;
  return port < 1 || port > LARGEST_PORT ? undefined : port;
}

function parse_range(text: string): PortRange | undefined {
  const [hyphen] = string.find(text, "-", 1, true);
  const first = port_in(hyphen === undefined ? text : string.sub(text, 1, hyphen - 1));
  const last = hyphen === undefined ? first : port_in(string.sub(text, hyphen + 1));
  return first === undefined || last === undefined || first > last ? undefined : { first, last };
}

/** Parses `"80,443,1024-65535"`. Returns the ranges, or undefined and the reason of a refusal. */
export function parse_ports(text: string): Result<PortRange[]> {
  const ranges: PortRange[] = [];
  for (const part of terminated_parts(`${text},`, ",")) {
    if (ranges.length === MOST_RANGES)
      return $multi(undefined, `must not have more than ${MOST_RANGES} parts`);
    const range = parse_range(part);
    if (range === undefined) return $multi(undefined, EXAMPLE);
    ranges.push(range);
  }
  return $multi(ranges, undefined);
}

/** Returns whether a port is in one of the ranges. */
export function has_port(ranges: readonly PortRange[], port: number): boolean {
  for (const { first, last } of ranges) {
    if (port >= first && port <= last) return true;
  }
  return false;
}
