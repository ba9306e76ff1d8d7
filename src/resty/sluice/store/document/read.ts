import { get_names, get_text } from "../memory/dict";
import { parse_document, type Document } from "./document";

/** Returns an upstream; undefined: it does not exist. Any phase. */
export function read(name: string): Document | undefined {
  const text = get_text(name);
  return text === undefined ? undefined : parse_document(text);
}

/** Returns the names of all upstreams, sorted. Any phase. */
export function names(): string[] {
  const found = get_names();
  table.sort(found);
  return found;
}
