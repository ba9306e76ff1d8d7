import { begin_turns, keep_turns, total_weight } from "../../balancer/shares";
import type { SplitConfig } from "../../config/split";
import { crc32 } from "../../lib/crc32";
import { encode } from "../../lib/json";
import { template_hasher } from "./key";
import type { Split, SplitMember } from "./model";
import { note_rotation } from "./rotation";

/** The members of a split, changed by difference, so that new weights move only the shares that differ. */

type Matcher = (this: void) => boolean;

function both(one: Matcher, other: Matcher): Matcher {
  return () => one() && other();
}

/** Makes the test of a request whose variables have these values. A chain of tests needs no loop. */
function matcher_of(match: Record<string, string>): Matcher | undefined {
  let matches: Matcher | undefined;
  for (const [variable, value] of pairs(match)) {
    const name = string.sub(variable, 2);
    const next: Matcher = () => ngx.var[name] === value;
    matches = matches === undefined ? next : both(matches, next);
  }
  return matches;
}

function find_member(split: Split | undefined, name: string): SplitMember | undefined {
  if (split === undefined) return undefined;
  for (const member of split.members) {
    if (member.name === name) return member;
  }
  return undefined;
}

function new_member(name: string): SplitMember {
  return {
    name,
    weight: 0,
    seed: crc32(name),
    owed: 0,
    passed_over: 0,
    score: 0,
    matches: undefined,
    has_complained: false,
  };
}

/** Returns the split with these settings: `current`, if it has them already, or one with its members. */
export function split_of({ by, members }: SplitConfig, current: Split | undefined): Split {
  const text = encode([by ?? "", members]);
  if (current !== undefined && current.text === text) return current;
  const before = current === undefined ? 0 : total_weight(current.members);
  const next: SplitMember[] = [];
  const matching: SplitMember[] = [];
  for (const { upstream, weight, match } of members) {
    const member = find_member(current, upstream) ?? new_member(upstream);
    member.weight = weight;
    member.matches = match === undefined ? undefined : matcher_of(match);
    if (match !== undefined) matching.push(member);
    next.push(member);
  }
  if (current === undefined) begin_turns(next, math.random);
  else keep_turns(next, before);
  note_rotation();
  return {
    text,
    read_hash: by === undefined ? undefined : template_hasher(by),
    members: next,
    matching: matching.length === 0 ? undefined : matching,
    walk: 0,
    servers: 0,
    counted_at: -1,
  };
}
