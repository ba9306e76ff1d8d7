import { readFileSync } from "node:fs";
import { Client } from "../api/client";
import { DEFAULT_ADDRESS, parsePlace } from "../api/place";
import { Failure, fileCause } from "../failure";
import { contextOf } from "./contexts";

/** The options of every verb that speaks to a gateway. */
export interface ConnectionOptions {
  address?: string;
  tokenFile?: string;
  context?: string;
  caFile?: string;
  certFile?: string;
  keyFile?: string;
  insecure?: boolean;
}

function read(what: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new Failure(`could not read the ${what} ${path}: ${fileCause(cause)}`);
  }
}

function readToken(path: string | undefined): string | undefined {
  const token = read("token file", path)?.trim();
  if (token === undefined) return undefined;
  // The message must not show the token.
  if (!/^[!-~]+$/.test(token))
    throw new Failure(`the token file ${path} must contain one token, and nothing else`);
  return token;
}

/** Returns the value, unless it is an empty variable of the environment. */
function given(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

/** Makes the client that options, environment and contexts describe, in this order. */
export function connect(options: ConnectionOptions): Client {
  const { SLUICE_ADDRESS, SLUICE_TOKEN_FILE, SLUICE_CONTEXT, SLUICE_CA_FILE } = process.env;
  const named = options.context ?? given(SLUICE_CONTEXT);
  const address = options.address ?? given(SLUICE_ADDRESS);
  // A token is for one gateway: the one of a context is not sent to an address from elsewhere.
  const context = address === undefined || options.context !== undefined ? contextOf(named) : {};
  const place = parsePlace(address ?? context.address ?? DEFAULT_ADDRESS);
  return new Client(place, {
    token: readToken(options.tokenFile ?? given(SLUICE_TOKEN_FILE) ?? context.token_file),
    ca: read("certificates", options.caFile ?? given(SLUICE_CA_FILE) ?? context.ca_file),
    cert: read("certificate", options.certFile ?? context.cert_file),
    key: read("key", options.keyFile ?? context.key_file),
    insecure: options.insecure === true,
  });
}
