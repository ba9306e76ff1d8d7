/**
 * Many times what linear time takes for the texts of the specs, and a small part of what quadratic time does.
 */
const BOUND_SECONDS = 1;

/** Runs an action that must take little of the processor's time. */
export function expect_quick(action: (this: void) => void): void {
  const began = os.clock();
  action();
  const seconds = os.clock() - began;
  if (seconds > BOUND_SECONDS) error(`It took ${seconds} s of the processor's time.`, 2);
}
