import { is_same, show } from "./compare";

/** Expectations of a value. A failure is reported at the line of the spec with the expectation. */
export interface Expectation {
  /** The value is equal: identity for tables, and nil for undefined. */
  equal: (this: void, expected: unknown) => void;
  /** The value has the same content, at any depth. */
  same: (this: void, expected: unknown) => void;
  /** The value is neither nil nor false. */
  truthy: (this: void) => void;
  /** The value is nil or false. */
  falsy: (this: void) => void;
  /** The value is a string that contains this literal text. */
  contains: (this: void, text: string) => void;
}

/** States an expectation of a value: `expect(1 + 1).equal(2)`. */
export function expect(actual: unknown): Expectation {
  // Blocks are used because an expression would be a tail call in Lua, which removes the caller from the
  // stack.
  return {
    equal: (expected) => {
      check(actual === expected, actual, "equal to", show(expected));
    },
    same: (expected) => {
      check(is_same(expected, actual), actual, "the same as", show(expected));
    },
    truthy: () => {
      check(actual !== undefined && actual !== false, actual, "neither nil nor false");
    },
    falsy: () => {
      check(actual === undefined || actual === false, actual, "nil or false");
    },
    contains: (text) => {
      checkText("a text", actual, text, 3);
    },
  };
}

/** Calls a function that must raise an error whose message contains this text. */
export function expectError(action: (this: void) => void, text: string): void {
  const [ok, problem] = pcall(action);
  if (ok) error(`Expected an error that contains:\n${text}\nThere was none.`, 2);
  checkText("an error", withoutPosition(problem), text, 3);
}

/** Raises an error at the line of the spec if an expectation does not hold. */
function check(holds: boolean, actual: unknown, what: string, value = ""): void {
  if (!holds) error(`Expected a value ${what}\n${value}\nIt is:\n${show(actual)}`, 3);
}

function checkText(what: string, actual: unknown, part: string, level: number): void {
  const text = tostring(actual);
  const [start] = string.find(text, part, 1, true);
  if (type(actual) === "string" && start !== undefined) return;
  error(`Expected ${what} that contains:\n${part}\nIt is:\n${text}`, level);
}

/** Returns the message of an error without the file and line at its beginning. */
function withoutPosition(problem: unknown): string {
  const [message] = string.gsub(tostring(problem), "^[^\n]-:%d+: ", "");
  return message;
}
