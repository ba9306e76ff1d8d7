import { UNIX } from "../../lib/address_rules";
import { parse_address } from "../address";
import { block, optional, with_default, type ConfigOf } from "../block";
import type { Problem } from "../problem";
import { refuse, type Read } from "../reader";
import { read_url, text_to } from "../texts";
import { check_tls, TLS } from "./tls";

function read_endpoint(this: void, path: string, value: unknown): Read<string> {
  if (typeof value !== "string" || string.sub(value, 1, UNIX.length) !== UNIX) return read_url(path, value);
  const [socket] = parse_address(value);
  if (socket === undefined)
    return refuse(path, "must be unix: and an absolute path of at most 107 printable ASCII characters");
  return $multi(value, undefined);
}

/** Where the Docker engine is, and which addresses of containers are used. */
const ENGINE = {
  /** The API of the Docker engine: `unix:/path`, `http://host:port` or `https://host:port`. */
  endpoint: with_default(read_endpoint, "unix:/var/run/docker.sock"),
  /**
   * Docker network in which containers have their addresses, unless their labels name another. Default: the
   * only network of a container.
   */
  network: optional(text_to(256)),
  tls: optional(TLS),
};

interface Checked {
  endpoint: string;
  tls?: { verify: boolean };
}

function check_engine(this: void, path: string, { tls, endpoint }: Checked): Problem | undefined {
  return check_tls(path, tls, [endpoint]);
}

/** The containers whose labels name the upstream become its servers. */
export const DOCKER = block(
  {
    ...ENGINE,
    /** Name of the upstream in the labels. Default: the name of the upstream. */
    upstream: optional(text_to(256)),
  },
  check_engine,
);
export type DockerConfig = ConfigOf<typeof DOCKER>;

/** The containers whose labels name upstreams become their servers. */
export const DOCKER_TEMPLATE = block(ENGINE, check_engine);
export type DockerTemplateConfig = ConfigOf<typeof DOCKER_TEMPLATE>;
