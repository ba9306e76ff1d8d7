import { one_of, read_block, type Read, type ReadersOf } from "../fields";
import { invalid_value, missing_argument } from "../problem";
import { read_url, text_to } from "../texts";
import type { Kind } from "./kind";
import { check_tls, read_tls, type TlsConfig } from "./tls";

export type AddressFamily = "ipv4" | "ipv6";

/** The endpoints of a Kubernetes service are an upstream's servers. */
export interface KubernetesConfig {
  namespace: string;
  service: string;
  /** A port's name, or its number; undefined: the only one. */
  port?: string | number;
  /** The family of the addresses; undefined: the first of the service's. */
  family?: AddressFamily;
  api_server: string;
  /** The service account's token, read anew when it has been replaced. */
  token_file: string;
  tls?: TlsConfig;
}

const DEFAULTS = {
  namespace: "default",
  api_server: "https://kubernetes.default.svc",
  token_file: "/var/run/secrets/kubernetes.io/serviceaccount/token",
};
const LARGEST_PORT = 65535;

function read_label(this: void, path: string, value: unknown): Read<string> {
  if (typeof value !== "string" || value.length > 63 || string.find(value, "^[%w][%w.-]*$")[0] === undefined)
    return $multi(
      undefined,
      invalid_value(path, "not a name of letters, digits, - and . of at most 63 bytes"),
    );
  return $multi(value, undefined);
}

function read_port(this: void, path: string, value: unknown): Read<string | number> {
  if (typeof value === "string") return read_label(path, value);
  if (typeof value !== "number" || value !== math.floor(value) || value < 1 || value > LARGEST_PORT)
    return $multi(undefined, invalid_value(path, "neither a port's name nor a number from 1 to 65535"));
  return $multi(value, undefined);
}

const READERS = {
  namespace: read_label,
  service: read_label,
  port: read_port,
  family: one_of(["ipv4", "ipv6"]),
  api_server: read_url,
  token_file: text_to(512),
  tls: read_tls,
} satisfies ReadersOf<KubernetesConfig>;

function read_kubernetes(this: void, path: string, value: unknown): Read {
  const [kubernetes, problem] = read_block(path, value, READERS, DEFAULTS);
  if (kubernetes === undefined) return $multi(undefined, problem);
  if (kubernetes.service === undefined) return $multi(undefined, missing_argument(`${path}.service`));
  const unfit = check_tls(path, kubernetes.tls, [kubernetes.api_server as string]);
  return $multi(unfit === undefined ? kubernetes : undefined, unfit);
}

export const kubernetes: Kind = {
  read: read_kubernetes,
  fields: ["namespace", "service", "port", "family", "api_server", "token_file", "tls"],
  secrets: [],
};
