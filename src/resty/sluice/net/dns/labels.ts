/** The labels of domain names: what is between the dots. Pure. */

function escape_byte(this: void, byte: string): string {
  return string.format("\\%03d", string.byte(byte));
}

function byte_of_escape(this: void, digits: string): string {
  return string.char((tonumber(digits) ?? 0) % 256);
}

/**
 * Returns a label as text. It may consist of any bytes, also of dots and line ends. As in master files, those
 * that host names do not have are written as `\ddd`, so that a name is harmless in logs and in JSON.
 */
export function label_text(label: string): string {
  return string.gsub(label, "[^%w_-]", escape_byte)[0];
}

/** Returns the bytes of a label from its text. */
export function label_bytes(text: string): string {
  return string.gsub(text, "\\(%d%d%d)", byte_of_escape)[0];
}
