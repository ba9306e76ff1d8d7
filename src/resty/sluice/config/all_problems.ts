import { is_table } from "../lib/json";
import type { Problem } from "./problem";

/** Finds all problems of an input, though a reader ends with the first. */

/** Upper bound on the problems of one input. */
const MOST_PROBLEMS = 20;

/** Returns the value that holds the last part of a path, and that part; undefined: there is no such value. */
function holder_of(
  input: Record<string, unknown>,
  path: string,
): LuaMultiReturn<[holder: Record<string, unknown> | undefined, name: string]> {
  let holder: Record<string, unknown> | undefined = input;
  const [start, last] = string.match(path, "^(.-)%.?([^.%[%]]+)$");
  for (const [name, index] of string.gmatch(start ?? "", "([^.%[%]]*)%[?(%d*)%]?")) {
    if (name !== "" && holder !== undefined) {
      const member: unknown = holder[name];
      holder = is_table(member) ? member : undefined;
    }
    if (index !== "" && holder !== undefined) {
      const item: unknown = (holder as unknown as unknown[])[tonumber(index) as number];
      holder = is_table(item) ? item : undefined;
    }
  }
  return $multi(last === undefined ? undefined : holder, last ?? "");
}

/** Removes the member at a path. Returns false if there is none, or if it is an item of a list. */
function remove_member(input: Record<string, unknown>, path: string): boolean {
  const [holder, name] = holder_of(input, path);
  if (holder?.[name] === undefined) return false;
  holder[name] = undefined;
  return true;
}

/**
 * Returns all problems of an input. Each wrong member is removed from the input before the next problem is
 * looked for. Any phase.
 *
 * @param check returns the first problem of the input
 */
export function all_problems(
  input: Record<string, unknown>,
  check: (this: void) => Problem | undefined,
): Problem[] {
  const problems: Problem[] = [];
  const removed = new LuaSet<string>();
  let problem = check();
  while (problem !== undefined) {
    const { field } = problem;
    // A required member that was removed is missing now.
    if (field !== undefined && removed.has(field)) break;
    problems.push(problem);
    if (problems.length === MOST_PROBLEMS || field === undefined || !remove_member(input, field)) break;
    removed.add(field);
    problem = check();
  }
  return problems;
}
