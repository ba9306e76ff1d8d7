import { shape, shaped } from "../../lib/json";
import { parse_url } from "../../lib/url";
import { read_block, read_flag, type Read, type ReadersOf } from "../fields";
import { invalid_value, type Problem } from "../problem";

/** How a registry's certificate is checked. */
export interface TlsConfig {
  /** It must be valid for the registry's name, by nginx's `lua_ssl_trusted_certificate`. */
  verify: boolean;
}

const SHAPE = shape(["verify"]);

const READERS = {
  verify: read_flag,
  ca: (path: string) =>
    $multi(
      undefined,
      invalid_value(path, "cosockets verify by nginx's lua_ssl_trusted_certificate: name the file there"),
    ),
} satisfies ReadersOf<TlsConfig, "ca">;

/** Reads how certificates are checked. Any phase. */
export function read_tls(this: void, path: string, value: unknown): Read {
  const [tls, problem] = read_block(path, value, READERS, { verify: true });
  if (tls === undefined) return $multi(undefined, problem);
  return $multi(shaped(tls, SHAPE), undefined);
}

/** `tls` is for `https://` only. Returns the problem when it stands beside another URL. */
export function check_tls(path: string, tls: unknown, urls: readonly string[]): Problem | undefined {
  if (tls === undefined) return undefined;
  for (const text of urls) {
    const [url] = parse_url(text);
    if (url?.is_tls !== true) return invalid_value(`${path}.tls`, `"${text}" is not https://`);
  }
  return undefined;
}
