import { escape_invalid_utf8 } from "../../lib/utf8";

/** Labels of samples. Pure. */

/** Returns a value as it stands between the quotes of a label. */
export function escape_label(value: string): string {
  if (string.find(value, "^[%w .:_/@~+%-%[%]]*$")[0] !== undefined) return value;
  const [escaped] = string.gsub(value, '[\\"\n]', { "\\": "\\\\", '"': '\\"', "\n": "\\n" });
  // Writes an invalid byte as a backslash, escaped, and its code.
  return escape_invalid_utf8(escaped);
}

/** Returns the text of a label. */
export function label(name: string, value: string): string {
  return `${name}="${escape_label(value)}"`;
}

/** Returns the text of a label that follows others. */
export function further_label(name: string, value: string): string {
  return `,${label(name, value)}`;
}
