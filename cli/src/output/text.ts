/** Texts for a terminal. */

/** Characters that would move the cursor or change the terminal. */
// eslint-disable-next-line no-control-regex -- They are what it looks for.
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]/g;

/** Returns a text of a gateway or a file without control characters. */
export function clean(text: string): string {
  return text.replace(CONTROLS, "?");
}

/** Returns "1 server", "2 servers". */
export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

/** Shows a value of a configuration. */
export function shown(value: unknown): string {
  if (value === undefined) return "not set";
  if (typeof value !== "string") return clean(JSON.stringify(value));
  return value === "" || /\s/.test(value) ? clean(JSON.stringify(value)) : clean(value);
}

/** Shows a moment of the API in the local time zone, to the second. */
export function moment(text: string): string {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return clean(text);
  const two = (number: number) => String(number).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
