import { parse_url } from "../lib/url";
import { read_list, type Read, type Reader } from "./fields";
import { invalid_value } from "./problem";

/** Readers of texts that go into requests of ours: none can break out of a header or a line. */

/** Makes the reader of a text of 1 to `longest` bytes without control characters. */
export function text_to(longest: number): Reader<string> {
  return (path, value) => {
    if (typeof value !== "string" || value === "")
      return $multi(undefined, invalid_value(path, "empty, or not a string"));
    if (value.length > longest) return $multi(undefined, invalid_value(path, `longer than ${longest} bytes`));
    if (string.find(value, "%c")[0] !== undefined)
      return $multi(undefined, invalid_value(path, "control characters cannot be"));
    return $multi(value, undefined);
  };
}

const LONGEST_URL = 512;
const read_text = text_to(LONGEST_URL);

/** Reads where a service is: `http://host:port` or `https://host:port`. Any phase. */
export function read_url(this: void, path: string, value: unknown): Read<string> {
  const [text, problem] = read_text(path, value);
  if (text === undefined) return $multi(undefined, problem);
  const [url, reason] = parse_url(text);
  if (url === undefined) return $multi(undefined, invalid_value(path, reason ?? ""));
  return $multi(text, undefined);
}

/** Makes the reader of a list of 1 to `most` items, each read by `read`. */
export function list_of(read: Reader, most: number): Reader<unknown[]> {
  return (path, value) => {
    const [items, problem] = read_list(path, value);
    if (items === undefined) return $multi(undefined, problem);
    if (items.length === 0 || items.length > most)
      return $multi(undefined, invalid_value(path, `not a list of 1 to ${most}`));
    const list: unknown[] = [];
    for (const index of $range(0, items.length - 1)) {
      const [item, bad] = read(`${path}[${index}]`, items[index]);
      if (bad !== undefined) return $multi(undefined, bad);
      list.push(item);
    }
    return $multi(list, undefined);
  };
}

/**
 * The prefix of the keys that are below `prefix`, so that `/app` does not contain the keys below `/app-2`: it
 * is completed with a slash unless it ends with a separator, which is no letter, digit, `-` or `_`. Any
 * phase.
 */
export function folder_of(prefix: string): string {
  return string.find(prefix, "[%w_-]$")[0] === undefined ? prefix : `${prefix}/`;
}
