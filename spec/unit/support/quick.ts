/** Much more than a linear run needs for the texts of the specs, and much less than a quadratic run. */
const BOUND_SECONDS = 1;

/** Runs an action that must take little processor time. */
export function expect_quick(action: (this: void) => void): void {
  const began = os.clock();
  action();
  const seconds = os.clock() - began;
  if (seconds > BOUND_SECONDS) error(`The action took ${seconds} s of processor time.`, 2);
}
