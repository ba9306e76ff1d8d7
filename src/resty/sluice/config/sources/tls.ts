import { parse_url } from "../../lib/url";
import { block, unsupported, with_default } from "../block";
import { invalid_value, type Problem } from "../problem";
import { read_flag } from "../values";

/** How the certificate of a registry is verified; only with `https://`. */
export const TLS = block({
  /** Verify the certificate with nginx's `lua_ssl_trusted_certificate`. */
  verify: with_default(read_flag, true),
  ca: unsupported("is not supported: set the file by nginx's directive lua_ssl_trusted_certificate"),
});

/** Checks that `tls` is given with `https://` only. Returns the problem. */
export function check_tls(path: string, tls: unknown, urls: readonly string[]): Problem | undefined {
  if (tls === undefined) return undefined;
  for (const text of urls) {
    const [url] = parse_url(text);
    if (url?.is_tls !== true)
      return invalid_value(`${path}.tls`, `requires https:// addresses, unlike "${text}"`);
  }
  return undefined;
}
