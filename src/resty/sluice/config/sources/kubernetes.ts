import { block, optional, required, with_default, type ConfigOf } from "../block";
import { refuse, type Read } from "../reader";
import { read_url, text_to } from "../texts";
import { one_of, whole_from } from "../values";
import { check_tls, TLS } from "./tls";

export type AddressFamily = "ipv4" | "ipv6";

const LONGEST_NAME = 63;

function read_name(this: void, path: string, value: unknown): Read<string> {
  if (
    typeof value !== "string" ||
    value.length > LONGEST_NAME ||
    string.find(value, "^[%w][%w.-]*$")[0] === undefined
  )
    return refuse(path, `must be a name of letters, digits, - and . of at most ${LONGEST_NAME} bytes`);
  return $multi(value, undefined);
}

const read_port_number = whole_from(1, 65535);

function read_port(this: void, path: string, value: unknown): Read<string | number> {
  if (typeof value === "string") return read_name(path, value);
  const [port] = read_port_number(path, value);
  if (port === undefined) return refuse(path, "must be the name of a port or a whole number from 1 to 65535");
  return $multi(port, undefined);
}

/** The endpoints of a Kubernetes service become the upstream's servers. */
export const KUBERNETES = block(
  {
    namespace: with_default(read_name, "default"),
    service: required(read_name),
    /** Name or number of a port. Default: the only TCP port. */
    port: optional(read_port),
    /** Family of the addresses. Default: the first of the service's `ipFamilies`. */
    family: optional(one_of<AddressFamily>(["ipv4", "ipv6"])),
    api_server: with_default(read_url, "https://kubernetes.default.svc"),
    /** File with the token of the service account; read for each request. */
    token_file: with_default(text_to(512), "/var/run/secrets/kubernetes.io/serviceaccount/token"),
    tls: optional(TLS),
  },
  (path, { tls, api_server }) => check_tls(path, tls, [api_server]),
);
export type KubernetesConfig = ConfigOf<typeof KUBERNETES>;
