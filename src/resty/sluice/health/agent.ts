import type { Report, ReportedState } from "./report";

/** Parses the answers of agents for HAProxy's `agent-check`: words such as `up 75%` or `drain`. Pure. */

const STATES = new LuaTable<string, ReportedState | undefined>();
for (const word of ["up", "ready"]) STATES.set(word, "up");
for (const word of ["down", "fail", "stopped", "maint"]) STATES.set(word, "down");
STATES.set("drain", "drain");

/** If an answer names two states, the worse one counts. */
const BADNESS: Record<ReportedState, number> = { up: 0, drain: 1, down: 2 };

/** HAProxy's largest weight. */
const LARGEST_WEIGHT = 256;

type Parsed = LuaMultiReturn<[Report | undefined, string | undefined]>;

/** Returns the part of its capacity that is free; undefined: the word does not tell. */
function part_of(word: string): number | undefined {
  const [percent] = string.match(word, "^(%d+)%%$");
  const [relative] = string.match(word, "^weight:(%d+)%%$");
  const [absolute] = string.match(word, "^weight:(%d+)$");
  if ((percent ?? relative) !== undefined) return (tonumber(percent ?? relative) ?? 0) / 100;
  const weight = tonumber(absolute);
  return weight === undefined || weight > LARGEST_WEIGHT ? undefined : weight / LARGEST_WEIGHT;
}

/**
 * Parses an agent's line. A percentage is the part of the capacity that is free, because agents answer with
 * the idle time of the processor. An absolute weight is a part of HAProxy's largest weight, 256: weights are
 * configured on another scale here. As in HAProxy, a server with weight 0 drains. `maxconn` is ignored in
 * favor of `max_conns`.
 *
 * @returns the report, or undefined and the reason
 */
export function parse_agent(line: string): Parsed {
  const report: Report = {};
  // A comment follows the sign.
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
