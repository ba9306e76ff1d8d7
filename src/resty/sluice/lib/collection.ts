/** Lua's collection of garbage. Pure. */

/**
 * Returns the result of `action`, which makes much that is needed until its end: to look for garbage in it
 * again and again takes long and finds little. Afterwards all garbage is collected. Raises what it raises.
 */
export function with_late_collection<T>(action: (this: void) => T): T {
  collectgarbage("stop");
  const [returned, outcome] = pcall(action);
  collectgarbage("restart");
  collectgarbage();
  if (!returned) error(outcome, 0);
  return outcome;
}
