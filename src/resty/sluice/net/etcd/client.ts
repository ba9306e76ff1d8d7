import { as_object, decode, encode } from "../../lib/json";
import type { Result } from "../../lib/result";
import { decode_as, unexpected, type Schema } from "../../lib/schema";
import { ask_service, service_at, service_request, too_large, type Service } from "../service";
import { describe } from "../stream";

/** etcd's v3 API through its JSON gateway (https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/). */

/** A client of one member of an etcd cluster. */
export interface EtcdClient {
  service: Service;
  user: string | undefined;
  password: string | undefined;
  /** The token of the session; undefined: there is none yet, or none is needed. */
  token: string | undefined;
  /** Tells whether answers are not needed any more. */
  is_over: (this: void) => boolean;
}

export interface EtcdPlace {
  endpoints: string[];
  user?: string;
  password?: string;
  tls?: { verify: boolean };
}

/** The name of etcd in messages. */
export const ETCD = "etcd";

const TIMEOUT_SECONDS = 2;
/** Limit of the time of a page of keys that arrives piece by piece, in seconds. */
export const LONGEST_PAGE_SECONDS = 10;
/** Limit of an answer, in bytes: a page of keys with large values. */
const LARGEST_ANSWER = 33554432;
/** The cause when an answer exceeds the limit. */
export const TOO_LARGE = too_large(LARGEST_ANSWER);
/** The schema of an answer whose content is not used. */
export const ANYTHING: Schema = { members: {} };
/** Status codes of gRPC. */
const INVALID_ARGUMENT = 3;
const PERMISSION_DENIED = 7;
const RESOURCE_EXHAUSTED = 8;
/** The token is missing or has expired. */
const UNAUTHENTICATED = 16;

/** Why etcd refuses a request that no other member would accept either. */
export type Refusal = "too large" | "not permitted";

const LOGIN: Schema = { members: { token: "string" } };

/** Makes a client. `attempt` selects the member, and `purpose` is that of `service_at`. Any phase. */
export function new_etcd_client(
  { endpoints, user, password, tls }: EtcdPlace,
  attempt: number,
  purpose: string,
  is_over: (this: void) => boolean,
): EtcdClient {
  const url = endpoints[attempt % endpoints.length];
  const service = service_at(url, tls?.verify ?? true, purpose);
  return { service, user, password, token: undefined, is_over };
}

export function etcd_request({ service, token }: EtcdClient, path: string, body: string): string {
  const headers = ["Content-Type: application/json"];
  if (token !== undefined) headers.push(`Authorization: ${token}`);
  return service_request(service, "POST", path, headers, body);
}

/** Tells whether a request was refused for its size, and not because etcd has no space for more data. */
function is_size_error(code: unknown, text: string): boolean {
  if (code === INVALID_ARGUMENT) return string.find(text, "request is too large", 1, true)[0] !== undefined;
  return code === RESOURCE_EXHAUSTED && string.find(text, "larger than max", 1, true)[0] !== undefined;
}

function refusal_of(code: unknown, text: string): Refusal | undefined {
  if (code === PERMISSION_DENIED) return "not permitted";
  return is_size_error(code, text) ? "too large" : undefined;
}

function call_once<T>(
  client: EtcdClient,
  path: string,
  body: object,
  schema: Schema,
  longest = TIMEOUT_SECONDS,
): LuaMultiReturn<[T | undefined, string | undefined, boolean, Refusal | undefined]> {
  const text = etcd_request(client, path, encode(body));
  const { service, is_over } = client;
  const [answer, cause] = ask_service(service, text, TIMEOUT_SECONDS, LARGEST_ANSWER, is_over, longest);
  if (answer === undefined) return $multi(undefined, cause, false, undefined);
  if (answer.status !== 200) {
    const { code } = as_object(decode(answer.body)[0]);
    const refusal = refusal_of(code, answer.body);
    return $multi(undefined, describe(answer.status, answer.body), code === UNAUTHENTICATED, refusal);
  }
  const [object, misfit] = decode_as<T>(ETCD, answer.body, schema);
  return $multi(object, misfit, false, undefined);
}

/** Requests a token, if there is a user. Phases that have cosockets. */
export function log_in(client: EtcdClient): Result<true> {
  const { user, password } = client;
  if (user === undefined) return $multi(true, undefined);
  client.token = undefined;
  const body = { name: user, password };
  const [object, cause] = call_once<{ token?: string }>(client, "/v3/auth/authenticate", body, LOGIN);
  client.token = object?.token;
  if (client.token !== undefined) return $multi(true, undefined);
  return $multi(undefined, `could not log in: ${cause ?? unexpected(ETCD, 'there is no "token"')}`);
}

/**
 * Calls a function of etcd. Phases that have cosockets.
 *
 * @param longest limit of the time of an answer that arrives piece by piece, in seconds
 * @returns the answer; or undefined, the cause, and the refusal if no other member would accept the request
 */
export function call<T>(
  client: EtcdClient,
  path: string,
  body: object,
  schema: Schema,
  longest?: number,
): LuaMultiReturn<[T | undefined, string | undefined, Refusal | undefined]> {
  const [object, cause, is_stale, refusal] = call_once<T>(client, path, body, schema, longest);
  if (object !== undefined || !is_stale || client.user === undefined) return $multi(object, cause, refusal);
  const [logged_in, refused] = log_in(client);
  if (logged_in === undefined) return $multi(undefined, refused, undefined);
  const [second, failed, , second_refusal] = call_once<T>(client, path, body, schema, longest);
  return $multi(second, failed, second_refusal);
}
