import type { Role } from "../../config/access";
import type { ApiOptions } from "../../config/options";
import type { Problem } from "../../config/problem";
import * as clock from "../../lib/clock";
import { iso8601 } from "../../lib/iso8601";
import { sha256 } from "../../lib/sha256";
import { certified_client } from "./certificate";
import { has_role, NO_CREDENTIALS, type Client } from "./client";
import { are_same_grants, find_grant, unnamed_grant, type Grant } from "./grants";
import { check_local } from "./local";
import { named_grants, use_tokens_file } from "./tokens_file";

/** Decides who has sent a request: by its token, else by its certificate, else by where it comes from. */

const WRITE_TOKEN = "write_token";
const READ_TOKEN = "read_token";

/** The grants of tokens without a name. */
let unnamed: Grant[] = [];

/**
 * Prepares for requests. Raises a text with field and reason on an invalid file, except in a worker, in which
 * the file then has no tokens. Phase: init_by_lua.
 */
export function use_credentials(
  { write_tokens, read_tokens, tokens_file }: ApiOptions,
  is_worker: boolean,
): void {
  unnamed = [];
  // Those that may write come last, because the last one counts if a token is given twice.
  for (const token of read_tokens) unnamed.push(unnamed_grant(token, READ_TOKEN, "read"));
  for (const token of write_tokens) unnamed.push(unnamed_grant(token, WRITE_TOKEN, "admin"));
  use_tokens_file(tokens_file, is_worker);
}

/** Returns the token of the scheme Bearer, or the password of the scheme Basic with any user name. */
function given_token(): string | undefined {
  const [scheme, credentials] = string.match(ngx.var.http_authorization ?? "", "^(%a+) +(%S+) *$");
  const name = string.lower(scheme ?? "");
  if (name === "bearer") return credentials;
  if (name !== "basic") return undefined;
  return string.match(ngx.decode_base64(credentials ?? "") ?? "", "^[^:]*:(.*)$")[0];
}

/** A client with a token has its grant, and the named tokens when it was last known to be valid. */
interface TokenClient extends Client {
  readonly grant: Grant;
  seen: readonly Grant[];
}

function client_of(grant: Grant): TokenClient {
  const { name, role, upstreams } = grant;
  return { name, kind: "token", role, upstreams, grant, seen: named_grants() };
}

/** Finds what a token permits. Nothing is computed of a token if there are none to compare it with. */
function grant_of(token: string): Grant | undefined {
  const named = named_grants();
  if (unnamed.length === 0 && named.length === 0) return undefined;
  return find_grant(sha256(token), unnamed, named);
}

function has_expired({ expires }: Grant): boolean {
  return expires !== undefined && clock.wall_time() >= expires;
}

/** Tells whether named credentials are configured, so that nobody has rights by the place of a request. */
function needs_credentials({ tokens_file, certificates }: ApiOptions): boolean {
  return tokens_file !== undefined || certificates !== undefined;
}

/** Tells whether local clients may change everything, if there are any. */
function lets_local_write(options: ApiOptions): boolean {
  return options.write_tokens.length === 0 && !needs_credentials(options);
}

function lets_local_read(options: ApiOptions): boolean {
  return options.read_tokens.length === 0 && !needs_credentials(options);
}

const LOCAL: Client = { name: "local", kind: "local", role: "admin", upstreams: undefined };
const LOCAL_READER: Client = { name: "local", kind: "local", role: "read", upstreams: undefined };

/** A request's client, and the problem if it is refused: then the client may be known or not. */
export type Identified = LuaMultiReturn<[Client | undefined, Problem | undefined]>;

function identify_local(options: ApiOptions, is_write: boolean): Identified {
  const is_let = is_write ? lets_local_write(options) : lets_local_read(options);
  if (!is_let) return $multi(undefined, NO_CREDENTIALS);
  const problem = check_local();
  if (problem !== undefined) return $multi(undefined, problem);
  return $multi(lets_local_write(options) ? LOCAL : LOCAL_READER, undefined);
}

/**
 * Returns the client of the request. Phase: content_by_lua.
 *
 * @param is_write whether the request would change something
 * @param needed the roles of which the request needs one: a local client may have more rights than its token
 */
export function identify(options: ApiOptions, is_write: boolean, needed: readonly Role[]): Identified {
  const token = given_token();
  const grant = token === undefined ? undefined : grant_of(token);
  if (grant !== undefined) {
    const client = client_of(grant);
    if (has_expired(grant)) {
      const text = `the token "${grant.name}" has expired at ${iso8601(grant.expires ?? 0)}`;
      return $multi(client, { ...NO_CREDENTIALS, text });
    }
    const is_more = !has_role(client, needed) && lets_local_write(options) && check_local() === undefined;
    return $multi(is_more ? LOCAL : client, undefined);
  }
  const certified = certified_client(options);
  if (certified !== undefined) return $multi(certified, undefined);
  return identify_local(options, is_write);
}

/** Tells whether a client still has its rights: its token has neither changed nor expired. Any phase. */
export function is_still_valid(client: Client): boolean {
  const holder = client as TokenClient;
  const grant = holder.grant as Grant | undefined;
  if (grant === undefined) return true;
  const named = named_grants();
  if (named !== holder.seen) {
    const found = find_grant(grant.digest, unnamed, named);
    if (found === undefined || !are_same_grants(found, grant)) return false;
    holder.seen = named;
  }
  return !has_expired(grant);
}

/**
 * Tells whether the client of a request that may read may also change servers. Phase: content_by_lua.
 */
export function may_write(options: ApiOptions, client: Client): boolean {
  if (!options.write) return false;
  if (has_role(client, ["operate"])) return true;
  return lets_local_write(options) && check_local() === undefined;
}

/** Tells whether a token could give a client without one the right to change something. Any phase. */
export function write_needs_token({ write, write_tokens, tokens_file }: ApiOptions): boolean {
  return write && (write_tokens.length > 0 || tokens_file !== undefined);
}
