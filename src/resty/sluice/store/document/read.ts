import { get_names, get_text } from "../memory/dict";
import { parse_document, type Document } from "./document";

/** Reads an upstream. Any phase. */
export function read(name: string): Document | undefined {
  const text = get_text(name);
  return text === undefined ? undefined : parse_document(text);
}

/** The names of all upstreams, sorted. Any phase. */
export function names(): string[] {
  const found = get_names();
  table.sort(found);
  return found;
}
