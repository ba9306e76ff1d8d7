import { parse_url } from "../lib/url";
import { refuse, type Read, type Reader } from "./reader";

/** Makes the reader of a non-empty string without control characters, such as line ends. */
export function text_to(longest: number): Reader<string> {
  return (path, value) => {
    if (typeof value !== "string" || value === "") return refuse(path, "must be a non-empty string");
    if (value.length > longest) return refuse(path, `must not be longer than ${longest} bytes`);
    if (string.find(value, "%c")[0] !== undefined) return refuse(path, "must not contain control characters");
    return $multi(value, undefined);
  };
}

/** Makes the reader of a text that begins with a slash. */
export function path_to(longest: number): Reader<string> {
  const read_text = text_to(longest);
  return (path, value) => {
    if (typeof value !== "string" || string.sub(value, 1, 1) !== "/")
      return refuse(path, 'must begin with "/"');
    return read_text(path, value);
  };
}

const LONGEST_URL = 512;
const read_text = text_to(LONGEST_URL);

/** Reads the address of a service: `http://host:port` or `https://host:port`. Any phase. */
export function read_url(this: void, path: string, value: unknown): Read<string> {
  const [text, problem] = read_text(path, value);
  if (text === undefined) return $multi(undefined, problem);
  const [url, reason] = parse_url(text);
  if (url === undefined) return refuse(path, reason ?? "");
  return $multi(text, undefined);
}

/**
 * Completes a prefix of keys, so that `/app` does not contain the keys below `/app-2`: with a slash, unless
 * it ends with a separator, which is any character but letters, digits, `-` and `_`. Any phase.
 */
export function folder_of(prefix: string): string {
  return string.find(prefix, "[%w_-]$")[0] === undefined ? prefix : `${prefix}/`;
}
