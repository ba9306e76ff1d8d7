import { is_table } from "../lib/json";
import type { Problem } from "./problem";

/** Finds all problems of an input, though a reader ends with the first. */

/** Upper bound on the problems of one input. */
const MOST_PROBLEMS = 20;

/** Returns the parts of a path: names of members, and positions in lists. */
function parts_of(path: string): string[] {
  const parts: string[] = [];
  for (const [part] of string.gmatch(path, "[^.%[%]]+")) parts.push(part);
  return parts;
}

/** Returns the member of an object, or the item of a list. */
function value_at(holder: unknown, part: string): unknown {
  if (!is_table(holder)) return undefined;
  const is_list = (holder as unknown as unknown[])[0] !== undefined;
  return is_list ? (holder as unknown as unknown[])[tonumber(part) ?? -1] : holder[part];
}

/** Removes the member at a path. Returns false if there is none, or if it is an item of a list. */
function remove_member(input: Record<string, unknown>, path: string): boolean {
  const parts = parts_of(path);
  const name = parts.pop();
  if (name === undefined || string.sub(path, -1) === "]") return false;
  let holder: unknown = input;
  for (const part of parts) holder = value_at(holder, part);
  if (!is_table(holder) || holder[name] === undefined) return false;
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
