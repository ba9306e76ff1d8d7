import type { Problem } from "../../config/problem";
import { Header } from "../memory/cells";
import { get_names, get_text } from "../memory/dict";
import { shared_memory } from "../memory/region";
import { parse_document, type Document } from "./document";

/** The revision of the last change of any upstream. Any phase. */
export function revision(): number {
  return shared_memory()[Header.REVISION];
}

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

/** The problem of an upstream that is not there. */
export function upstream_not_found(name: string): Problem {
  return { status: 404, code: "UpstreamNotFound", text: `upstream "${string.sub(name, 1, 128)}" not found` };
}

/** The problem of a server that is not there. `what`: how it was named. */
export function server_not_found(what: string): Problem {
  return { status: 404, code: "UpstreamServerNotFound", text: `server with ${what} does not exist` };
}
