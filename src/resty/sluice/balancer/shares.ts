import { score_of } from "../lib/rendezvous";

/**
 * Shares of few candidates, in turn or by key. Whether a candidate is available is known only when it has
 * been tried. So a choice takes candidates one after the other, and passes over those that are not: their
 * share goes to the others in proportion. Hot.
 */

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
}

/** Returns the candidate of a key among those that the choice has not passed over; undefined: none is left. */
export function next_by_key<S extends Shareholder>(
  candidates: readonly S[],
  hash: number,
  choice: number,
): S | undefined {
  let best: S | undefined;
  let best_score = math.huge;
  for (const index of $range(0, candidates.length - 1)) {
    const candidate = candidates[index];
    if (candidate.weight > 0 && candidate.passed_over !== choice) {
      const score = score_of(hash, candidate.seed, candidate.weight);
      if (score < best_score) {
        best = candidate;
        best_score = score;
      }
    }
  }
  return best;
}

/** Gives each candidate that the choice has not passed over its share `times`. Returns the sum. */
function add_shares(candidates: readonly Shareholder[], choice: number, times: number): number {
  let total = 0;
  for (const index of $range(0, candidates.length - 1)) {
    const candidate = candidates[index];
    if (candidate.passed_over !== choice) {
      candidate.owed = candidate.owed + candidate.weight * times;
      total = total + candidate.weight;
    }
  }
  return total;
}

function most_owed<S extends Shareholder>(candidates: readonly S[], choice: number): S | undefined {
  let best: S | undefined;
  let most = -math.huge;
  for (const index of $range(0, candidates.length - 1)) {
    const candidate = candidates[index];
    if (candidate.weight > 0 && candidate.passed_over !== choice && candidate.owed > most) {
      best = candidate;
      most = candidate.owed;
    }
  }
  return best;
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
