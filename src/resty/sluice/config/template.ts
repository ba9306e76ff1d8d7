import type { Result } from "../lib/result";
/** A part of a text with variables: a literal text or the name of a variable. */
export interface TemplatePart {
  literal?: string;
  /** The name without `$`; `"1"` to `"9"` are the captures of the location's regular expression. */
  variable?: string;
}

const LONGEST = 1024;

/** The forms of a variable in nginx: a capture has one digit, so `$10` is the capture 1 and a 0. */
const VARIABLE_PATTERNS = ["^%$([1-9])()", "^%$([%a_][%w_]*)()", "^%${([%a_][%w_]*)}()"];

/** Returns the variable whose `$` is at `position`, and the position behind it. */
function variable_at(text: string, position: number): LuaMultiReturn<[string | undefined, number]> {
  for (const pattern of VARIABLE_PATTERNS) {
    const [name, behind] = string.match(text, pattern, position);
    if (name !== undefined) return $multi(name, tonumber(behind) as number);
  }
  return $multi(undefined, position);
}

/** Reads a text with an nginx variable: `$name`, `${name}`, or a capture such as `$1`. Any phase. */
export function parse_template(text: unknown): Result<TemplatePart[]> {
  if (typeof text !== "string") return $multi(undefined, "must be a string");
  if (text.length > LONGEST) return $multi(undefined, `must not be longer than ${LONGEST} bytes`);
  if (string.find(text, "%c")[0] !== undefined)
    return $multi(undefined, "must not contain control characters");
  const parts: TemplatePart[] = [];
  let has_variable = false;
  let position = 1;
  while (position <= text.length) {
    const [dollar] = string.find(text, "$", position, true);
    const literal = string.sub(text, position, (dollar ?? text.length + 1) - 1);
    if (literal !== "") parts.push({ literal });
    position += literal.length;
    if (dollar !== undefined) {
      const [variable, behind] = variable_at(text, dollar);
      if (variable === undefined)
        return $multi(undefined, 'each "$" must begin a variable, such as $uri, ${uri} or $1');
      parts.push({ variable });
      has_variable = true;
      position = behind;
    }
  }
  if (!has_variable) return $multi(undefined, "must contain a variable, such as $uri");
  return $multi(parts, undefined);
}
