import { is_table } from "../lib/json";
import { block, optional, required, type ConfigOf } from "./block";
import { refuse, type Read } from "./reader";
import { list_of, one_of } from "./values";

/** What clients of the API may do, and for which upstreams. */

/** The roles. docs/reference/access.md describes what each one permits. */
export const ROLES = ["read", "report", "operate", "write", "admin"] as const;
export type Role = (typeof ROLES)[number];

const LONGEST_PATTERN = 129;
const MOST_PATTERNS = 1000;
const MOST_CERTIFICATES = 1000;
const LONGEST_SUBJECT = 1024;

/** Reads the name of an upstream, in which one `*` stands for any text. Any phase. */
export function read_pattern(this: void, path: string, value: unknown): Read<string> {
  const reason = 'must be the name of an upstream, in which one "*" stands for any text';
  if (typeof value !== "string" || value.length > LONGEST_PATTERN) return refuse(path, reason);
  if (string.find(value, "^[%w%._:@~+*-]+$")[0] === undefined) return refuse(path, reason);
  const [, stars] = string.gsub(value, "%*", "");
  if (stars > 1) return refuse(path, reason);
  return $multi(value, undefined);
}

export const read_role = one_of(ROLES);
export const read_patterns = list_of(read_pattern, MOST_PATTERNS);

/** What the clients with a TLS certificate may do. */
export const CERTIFICATE = block({
  /** What they may do. */
  role: required(read_role),
  /** The upstreams that they see and change; one `*` in a name stands for any text. Default: all. */
  upstreams: optional(read_patterns),
});
export type CertificateConfig = ConfigOf<typeof CERTIFICATE>;

/** Reads the certificates by their subjects. Any phase. */
export function read_certificates(
  this: void,
  path: string,
  value: unknown,
): Read<LuaTable<string, CertificateConfig>> {
  if (!is_table(value)) return refuse(path, "must be an object");
  const certificates = new LuaTable<string, CertificateConfig>();
  let count = 0;
  for (const [subject, its_value] of pairs(value as unknown as LuaTable<AnyNotNil, unknown>)) {
    if (typeof subject !== "string" || subject === "" || subject.length > LONGEST_SUBJECT)
      return refuse(path, 'must name each certificate by its subject, such as "CN=deploy,O=Example"');
    const [certificate, problem] = CERTIFICATE.read(`${path}["${subject}"]`, its_value);
    if (certificate === undefined) return $multi(undefined, problem);
    certificates.set(subject, certificate);
    count += 1;
  }
  if (count > MOST_CERTIFICATES) return refuse(path, `must not name more than ${MOST_CERTIFICATES} subjects`);
  return $multi(certificates, undefined);
}
