import { format_problem, type Problem } from "./problem";

const LONGEST_NAME = 128;

/** Checks an upstream's name. Returns the problem. Any phase. */
export function check_name(name: unknown): Problem | undefined {
  if (typeof name !== "string" || name === "")
    return format_problem("invalid upstream name: must be a non-empty string");
  if (name.length > LONGEST_NAME)
    return format_problem(`invalid upstream name: must not be longer than ${LONGEST_NAME} bytes`);
  if (string.find(name, "^[%w%._:@~+-]+$")[0] === undefined)
    return format_problem("invalid upstream name: must contain only letters, digits and . _ : @ ~ + -");
  return undefined;
}
