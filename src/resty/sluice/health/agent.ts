import type { Report, ReportedState } from "./report";

/** The text that agents answer HAProxy's `agent-check` with: words, such as `up 75%` or `drain`. Pure. */

const STATES = new LuaTable<string, ReportedState | undefined>();
for (const word of ["up", "ready"]) STATES.set(word, "up");
for (const word of ["down", "fail", "stopped", "maint"]) STATES.set(word, "down");
STATES.set("drain", "drain");

/** Of two states that are said at once the worse one counts. */
const BADNESS: Record<ReportedState, number> = { up: 0, drain: 1, down: 2 };

/** HAProxy's largest weight. */
const LARGEST_WEIGHT = 256;

type Parsed = LuaMultiReturn<[Report | undefined, string | undefined]>;

/** What part of its power is free; undefined: the word says nothing of that. */
function part_of(word: string): number | undefined {
  const [percent] = string.match(word, "^(%d+)%%$");
  const [relative] = string.match(word, "^weight:(%d+)%%$");
  const [absolute] = string.match(word, "^weight:(%d+)$");
  if ((percent ?? relative) !== undefined) return (tonumber(percent ?? relative) ?? 0) / 100;
  const weight = tonumber(absolute);
  return weight === undefined || weight > LARGEST_WEIGHT ? undefined : weight / LARGEST_WEIGHT;
}

/**
 * Reads an agent's line. A percentage is taken for the part of its power that is free: agents answer with what the
 * processor has left. So is an absolute weight, of the 256 that HAProxy has: what it is configured by here is another scale,
 * on which nearly all would be more than everything. As with HAProxy, without weight a server drains. A `maxconn` is left to
 * the server's `max_conns`.
 *
 * @returns the report, or undefined and the reason
 */
export function parse_agent(line: string): Parsed {
  const report: Report = {};
  // What follows the sign is for people.
  const [words] = string.match(line, "^([^#]*)");
  for (const [spelled] of string.gmatch(words ?? "", "[^%s,]+")) {
    const word = string.lower(spelled);
    const state = STATES.get(word);
    const part = state === undefined ? part_of(word) : undefined;
    if (state !== undefined) {
      if (report.state === undefined || BADNESS[state] > BADNESS[report.state]) report.state = state;
    } else if (part !== undefined) {
      report.utilization = math.max(0, 1 - part);
      report.has_weight = part > 0;
    } else if (string.find(word, "^maxconn:%d+$")[0] === undefined) {
      return $multi(undefined, `unknown word "${string.sub(spelled, 1, 64)}"`);
    }
  }
  if ((report.state ?? report.utilization) === undefined)
    return $multi(undefined, "neither a state nor a weight");
  return $multi(report, undefined);
}
