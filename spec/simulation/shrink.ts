import type { Plan } from "./plan";

/** Makes a failing plan shorter: removes actions as long as the same check fails. */

/** The runs that a plan may take. */
const MOST_RUNS = 400;

/** Returns a plan with fewer actions for which `fails` still returns true. */
export function shrink(plan: Plan, fails: (this: void, shorter: Plan) => boolean): Plan {
  let best = plan;
  let size = math.max(1, math.floor(plan.actions.length / 2));
  let runs = 0;
  while (runs < MOST_RUNS) {
    let is_shorter = false;
    let from = 0;
    while (from < best.actions.length && runs < MOST_RUNS) {
      const actions = best.actions.filter((_, index) => index < from || index >= from + size);
      runs += 1;
      if (fails({ ...best, actions })) {
        best = { ...best, actions };
        is_shorter = true;
      } else {
        from += size;
      }
    }
    if (size === 1 && !is_shorter) break;
    size = math.max(1, math.floor(size / 2));
  }
  return best;
}
