/**
 * Runs the clean-up of a test, newest action first. node:test itself would stop at the first hook that fails.
 */

/** @type {WeakMap<object, (() => unknown)[]>} */
const actionsOf = new WeakMap();

/**
 * Runs an action when a test has ended, with any result. All actions run, then the test fails if an action
 * has failed.
 * @param {import("node:test").TestContext} context
 * @param {() => unknown} action
 */
export function atEnd(context, action) {
  const known = actionsOf.get(context);
  if (known !== undefined) {
    known.push(action);
    return;
  }
  const actions = [action];
  actionsOf.set(context, actions);
  context.after(() => runAll(actions));
}

/** @param {(() => unknown)[]} actions */
async function runAll(actions) {
  const failures = [];
  for (const action of actions.toReversed()) {
    try {
      await action();
    } catch (failure) {
      failures.push(failure);
    }
  }
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1)
    throw new AggregateError(failures, failures.map((failure) => failure.message).join("\n"));
}

/** @type {Set<() => void>} */
const lastActions = new Set();

/**
 * Runs an action when this process ends, even in the middle of a test. The action must be synchronous.
 * @param {() => void} action
 * @returns {() => void} cancels it
 */
export function atExit(action) {
  lastActions.add(action);
  return () => lastActions.delete(action);
}

process.on("exit", () => [...lastActions].toReversed().forEach((action) => action()));
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(name, () => process.exit(1));
