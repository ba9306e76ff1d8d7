/** What follows every key that begins with `prefix`. Pure. */
export function end_of_prefix(prefix: string): string {
  for (let last = prefix.length; last > 0; last -= 1) {
    const byte = string.byte(prefix, last);
    if (byte < 255) return string.sub(prefix, 1, last - 1) + string.char(byte + 1);
  }
  return "\0";
}
