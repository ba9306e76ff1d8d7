import { Failure } from "../failure";

/** Where the API of a gateway is. */
export interface Place {
  isSecure: boolean;
  /** Without brackets. */
  host: string;
  port: number;
  /** The path of a unix socket, which then replaces host and port. */
  socketPath: string | undefined;
  /** The path before `/sluice/1` and `/9`. */
  prefix: string;
  /** The address as messages show it. */
  shown: string;
}

/** The address of the API in all examples, and of `npm start`. */
export const DEFAULT_ADDRESS = "http://127.0.0.1:8081";

const DEFAULT_PREFIX = "/api";
const EXAMPLES = `such as ${DEFAULT_ADDRESS} or unix:/run/sluice.sock`;

function prefixOf(path: string): string {
  const trimmed = path.replace(/\/+$/, "");
  return trimmed === "" ? DEFAULT_PREFIX : trimmed;
}

/** Reads `unix:/path` or `unix:/path:/prefix`, which nginx writes with `http://` before it. */
function parseUnix(text: string): Place {
  const [, socketPath, prefix = ""] = /^(?:http:\/\/)?unix:(\/[^:]+)(?::(\/.*)?)?$/.exec(text) ?? [];
  if (socketPath === undefined)
    throw new Failure(`invalid address "${text}": write unix:/path, or unix:/path:/prefix`);
  return {
    isSecure: false,
    host: "localhost",
    port: 80,
    socketPath,
    prefix: prefixOf(prefix),
    shown: `unix:${socketPath}`,
  };
}

function parseUrl(text: string): URL {
  try {
    const url = new URL(text);
    if (url.protocol === "http:" || url.protocol === "https:") return url;
  } catch {
    // The message is the same as for another protocol.
  }
  throw new Failure(`invalid address "${text}": must begin with http://, https:// or unix:, ${EXAMPLES}`);
}

/** Reads the address of an API. Without a path, its prefix is `/api`. */
export function parsePlace(text: string): Place {
  if (/^(http:\/\/)?unix:/.test(text)) return parseUnix(text);
  const url = parseUrl(text);
  if (url.username !== "" || url.password !== "")
    throw new Failure("invalid address: it must not contain a password: use --token-file");
  if (url.search !== "" || url.hash !== "")
    throw new Failure(`invalid address "${text}": must not have a query or a fragment`);
  const isSecure = url.protocol === "https:";
  const port = url.port === "" ? (isSecure ? 443 : 80) : Number(url.port);
  return {
    isSecure,
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port,
    socketPath: undefined,
    prefix: prefixOf(url.pathname),
    shown: `${url.protocol}//${url.host}`,
  };
}
