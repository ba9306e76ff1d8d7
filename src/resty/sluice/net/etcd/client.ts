import { decode, encode, is_table } from "../../lib/json";
import { format_request, request } from "../request";
import { service_at, type Service } from "../service";
import { describe } from "../stream";
import { wait_for } from "../wait";

/** etcd's v3 API through its JSON gateway (https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/). */

/** What is needed to ask a member of an etcd. */
export interface EtcdClient {
  service: Service;
  user: string | undefined;
  password: string | undefined;
  /** Undefined: none yet, or none is needed. */
  token: string | undefined;
  /** Whether nobody waits for an answer any more. */
  is_over: (this: void) => boolean;
}

/** Where an etcd is. */
export interface EtcdPlace {
  endpoints: string[];
  user?: string;
  password?: string;
  tls?: { verify: boolean };
}

type Called = LuaMultiReturn<[Record<string, unknown> | undefined, string | undefined]>;

const TIMEOUT_SECONDS = 2;
/** A page of keys with large values. */
const LARGEST_ANSWER = 67108864;
/** The cause when an answer is larger than is read. */
export const TOO_LARGE = `the answer is larger than ${LARGEST_ANSWER} bytes`;
/** gRPC's code of a token that is not valid any more, or of a user that needs one. */
const UNAUTHENTICATED = 16;

/** A client of one of the members: of another with each `attempt`. `purpose` as in `service_at`. Any phase. */
export function new_etcd_client(
  { endpoints, user, password, tls }: EtcdPlace,
  attempt: number,
  purpose: string,
  is_over: (this: void) => boolean,
): EtcdClient {
  const url = endpoints[attempt % endpoints.length];
  return {
    service: service_at(url, tls?.verify ?? true, purpose),
    user,
    password,
    token: undefined,
    is_over,
  };
}

/** The text of a request. */
export function etcd_request({ service, token }: EtcdClient, path: string, body: string): string {
  const headers = ["Content-Type: application/json"];
  for (const header of service.headers) headers.push(header);
  if (token !== undefined) headers.push(`Authorization: ${token}`);
  return format_request("POST", path, headers, body);
}

function call_once(
  client: EtcdClient,
  path: string,
  body: object,
): LuaMultiReturn<[Record<string, unknown> | undefined, string | undefined, boolean]> {
  const text = etcd_request(client, path, encode(body));
  const [answer, cause] = wait_for(
    () => request(client.service.destination, text, TIMEOUT_SECONDS, LARGEST_ANSWER),
    client.is_over,
  );
  if (answer === undefined) return $multi(undefined, cause, false);
  if (answer.body.length === LARGEST_ANSWER) return $multi(undefined, TOO_LARGE, false);
  const [object] = decode(answer.body);
  if (answer.status !== 200) {
    const is_stale = is_table(object) && object.code === UNAUTHENTICATED;
    return $multi(undefined, describe(answer.status, answer.body), is_stale);
  }
  if (!is_table(object)) return $multi(undefined, "the answer is not JSON", false);
  return $multi(object, undefined, false);
}

/** Gets a token, if there is a user. Returns true, or undefined and the cause. Phases that have cosockets. */
export function log_in(client: EtcdClient): LuaMultiReturn<[true | undefined, string | undefined]> {
  const { user, password } = client;
  if (user === undefined) return $multi(true, undefined);
  client.token = undefined;
  const [object, cause] = call_once(client, "/v3/auth/authenticate", { name: user, password });
  if (object === undefined) return $multi(undefined, `could not log in: ${cause ?? ""}`);
  client.token = tostring(object.token);
  return $multi(true, undefined);
}

/** Calls a function of etcd. Returns its answer, or undefined and the cause. Phases that have cosockets. */
export function call(client: EtcdClient, path: string, body: object): Called {
  const [object, cause, is_stale] = call_once(client, path, body);
  if (object !== undefined || !is_stale || client.user === undefined) return $multi(object, cause);
  const [logged_in, refused] = log_in(client);
  if (logged_in === undefined) return $multi(undefined, refused);
  const [second, failed] = call_once(client, path, body);
  return $multi(second, failed);
}
