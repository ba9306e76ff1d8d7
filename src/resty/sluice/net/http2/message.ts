import type { Field } from "./static_table";

/** The headers of an answer, as HTTP/2 requires them (RFC 9113, section 8). Pure. */

export interface Headers {
  /** The status; undefined: there is none, as in trailers. */
  status: number | undefined;
  /** The other headers by their names. The values of a repeated header are joined by `, `. */
  headers: Record<string, string | undefined>;
}

/** Headers of HTTP/1 connections, which make a message of HTTP/2 malformed. */
const OF_CONNECTIONS = new LuaSet<string>();
for (const name of ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"])
  OF_CONNECTIONS.add(name);

function is_malformed({ name, value }: Field): boolean {
  // A name has no capital letters, and a colon only at its beginning.
  if (string.find(name, "^:?[!#-'*+.-9^-z|~-]+$")[0] === undefined) return true;
  return OF_CONNECTIONS.has(name) || string.find(value, "[%z\r\n]")[0] !== undefined;
}

/** Reads the fields of a header block; undefined: they are malformed. */
export function read_headers(fields: readonly Field[]): Headers | undefined {
  const headers: Record<string, string | undefined> = {};
  let status: number | undefined;
  let has_regular = false;
  for (const field of fields) {
    const { name, value } = field;
    if (is_malformed(field)) return undefined;
    if (string.sub(name, 1, 1) === ":") {
      const [code] = string.match(value, "^%d%d%d$");
      if (name !== ":status" || code === undefined || status !== undefined || has_regular) return undefined;
      status = tonumber(code);
    } else {
      has_regular = true;
      const before = headers[name];
      headers[name] = before === undefined ? value : `${before}, ${value}`;
    }
  }
  return { status, headers };
}
