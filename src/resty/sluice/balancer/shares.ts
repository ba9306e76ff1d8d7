import { score_of } from "../lib/rendezvous";

/**
 * Shares of few candidates, in turn or by key. Whether a candidate is available is known only when it has
 * been tried. So a choice takes candidates one after the other, and passes over those that are not: their
 * share goes to the others in proportion. Hot: LuaJIT leaves a request's path uncompiled if it has a short
 * loop, so the first `WITHOUT_LOOP` candidates are written out.
 */

const WITHOUT_LOOP = 4;

/** Something that gets a share of the choices. */
export interface Shareholder {
  /** The share relative to others, with fractions; 0: none. */
  weight: number;
  /** Identifies it among all keys. */
  seed: number;
  /** The choices that it is owed, times the sum of all weights. */
  owed: number;
  /** The number of the last choice that has passed over it. */
  passed_over: number;
  /** Its score for the last key. */
  score: number;
}

/** Returns the one of two candidates that has a key. */
function closer<S extends Shareholder>(
  one: S | undefined,
  other: S | undefined,
  hash: number,
  choice: number,
): S | undefined {
  if (other === undefined || other.weight === 0 || other.passed_over === choice) return one;
  other.score = score_of(hash, other.seed, other.weight);
  return one === undefined || other.score < one.score ? other : one;
}

function closest_of_more<S extends Shareholder>(
  candidates: readonly S[],
  first: S | undefined,
  hash: number,
  choice: number,
): S | undefined {
  let best = first;
  for (const index of $range(WITHOUT_LOOP, candidates.length - 1))
    best = closer(best, candidates[index], hash, choice);
  return best;
}

/** Returns the candidate of a key among those that the choice has not passed over; undefined: none. */
export function next_by_key<S extends Shareholder>(
  candidates: readonly S[],
  hash: number,
  choice: number,
): S | undefined {
  let best = closer(undefined, candidates[0], hash, choice);
  best = closer(best, candidates[1], hash, choice);
  best = closer(best, candidates[2], hash, choice);
  best = closer(best, candidates[3], hash, choice);
  return candidates.length <= WITHOUT_LOOP ? best : closest_of_more(candidates, best, hash, choice);
}

function add_share(candidate: Shareholder | undefined, choice: number, times: number): number {
  if (candidate === undefined || candidate.passed_over === choice) return 0;
  candidate.owed = candidate.owed + candidate.weight * times;
  return candidate.weight;
}

function add_more_shares(candidates: readonly Shareholder[], choice: number, times: number): number {
  let total = 0;
  for (const index of $range(WITHOUT_LOOP, candidates.length - 1))
    total = total + add_share(candidates[index], choice, times);
  return total;
}

/** Gives each candidate that the choice has not passed over its share `times`. Returns the sum. */
function add_shares(candidates: readonly Shareholder[], choice: number, times: number): number {
  const total =
    add_share(candidates[0], choice, times) +
    add_share(candidates[1], choice, times) +
    add_share(candidates[2], choice, times) +
    add_share(candidates[3], choice, times);
  return candidates.length <= WITHOUT_LOOP ? total : total + add_more_shares(candidates, choice, times);
}

/** Returns the one of two candidates that is owed more. */
function more_owed<S extends Shareholder>(
  one: S | undefined,
  other: S | undefined,
  choice: number,
): S | undefined {
  if (other === undefined || other.weight === 0 || other.passed_over === choice) return one;
  return one === undefined || other.owed > one.owed ? other : one;
}

function most_owed_of_more<S extends Shareholder>(
  candidates: readonly S[],
  first: S | undefined,
  choice: number,
): S | undefined {
  let best = first;
  for (const index of $range(WITHOUT_LOOP, candidates.length - 1))
    best = more_owed(best, candidates[index], choice);
  return best;
}

function most_owed<S extends Shareholder>(candidates: readonly S[], choice: number): S | undefined {
  let best = more_owed(undefined, candidates[0], choice);
  best = more_owed(best, candidates[1], choice);
  best = more_owed(best, candidates[2], choice);
  best = more_owed(best, candidates[3], choice);
  return candidates.length <= WITHOUT_LOOP ? best : most_owed_of_more(candidates, best, choice);
}

/**
 * Takes the turn of the candidate that is owed most among those that the choice has not passed over: smooth
 * weighted round robin, as in nginx. Undefined: none is left.
 */
export function take_turn<S extends Shareholder>(candidates: readonly S[], choice: number): S | undefined {
  const total = add_shares(candidates, choice, 1);
  const best = most_owed(candidates, choice);
  if (best !== undefined) best.owed = best.owed - total;
  return best;
}

/** Returns the candidate that `take_turn` would return. Changes nothing. Not hot. */
export function next_in_turn<S extends Shareholder>(candidates: readonly S[], choice: number): S | undefined {
  add_shares(candidates, choice, 1);
  const best = most_owed(candidates, choice);
  add_shares(candidates, choice, -1);
  return best;
}

/** Takes back the turn that a candidate has just taken, and passes over it. */
export function pass_over(candidates: readonly Shareholder[], candidate: Shareholder, choice: number): void {
  const total = add_shares(candidates, choice, -1);
  candidate.owed = candidate.owed + total;
  candidate.passed_over = choice;
}

/** Returns the sum of the weights. */
export function total_weight(candidates: readonly Shareholder[]): number {
  let total = 0;
  for (const index of $range(0, candidates.length - 1)) total = total + candidates[index].weight;
  return total;
}

/** Lets turns begin at a random place, so that several workers, or short lives of them, have no bias. */
export function begin_turns(candidates: readonly Shareholder[], random: (this: void) => number): void {
  const total = total_weight(candidates);
  let heaviest = candidates[0];
  let others = 0;
  for (const index of $range(0, candidates.length - 1)) {
    const candidate = candidates[index];
    candidate.owed = (random() - 0.5) * total;
    others = others + candidate.owed;
    if (candidate.weight > heaviest.weight) heaviest = candidate;
  }
  heaviest.owed = heaviest.owed - others;
}

/** Keeps the choices that candidates are owed while the sum of their weights changes from `before`. */
export function keep_turns(candidates: readonly Shareholder[], before: number): void {
  const scale = total_weight(candidates) / before;
  for (const index of $range(0, candidates.length - 1)) {
    const candidate = candidates[index];
    candidate.owed = candidate.weight === 0 ? 0 : candidate.owed * scale;
  }
}
