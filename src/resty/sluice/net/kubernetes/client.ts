import { as_object, decode } from "../../lib/json";
import { read_file } from "../../lib/file";
import { from_prefix } from "../../lib/path";
import type { Result } from "../../lib/result";
import { decode_as, type Schema } from "../../lib/schema";
import { ask_service, service_at, service_request, type Service } from "../service";
import { describe } from "../stream";

/** The API of Kubernetes for a service (v1) and its EndpointSlices (discovery.k8s.io/v1). */

/** A client of an API server for one service. */
export interface KubernetesClient {
  service: Service;
  /** The path of the service. */
  service_uri: string;
  /** The path of the slices, with the argument that selects those of the service. */
  uri: string;
  token_file: string;
  /** Tells whether answers are not needed any more. */
  is_over: (this: void) => boolean;
}

export interface KubernetesPlace {
  namespace: string;
  service: string;
  api_server: string;
  token_file: string;
  tls?: { verify: boolean };
}

/** The name of Kubernetes in messages. */
export const KUBERNETES = "kubernetes";

const TIMEOUT_SECONDS = 3;
const LONGEST_TOKEN = 1048576;
/** Limit of an answer, in bytes: a page of slices with the maximum number of endpoints. */
const LARGEST_ANSWER = 16777216;

/** Makes a client. `purpose` is that of `service_at`. Any phase. */
export function new_kubernetes_client(
  { namespace, service, api_server, token_file, tls }: KubernetesPlace,
  purpose: string,
  is_over: (this: void) => boolean,
): KubernetesClient {
  const selector = ngx.escape_uri(`kubernetes.io/service-name=${service}`);
  const path = `/apis/discovery.k8s.io/v1/namespaces/${ngx.escape_uri(namespace)}/endpointslices`;
  return {
    service_uri: `/api/v1/namespaces/${ngx.escape_uri(namespace)}/services/${ngx.escape_uri(service)}`,
    service: service_at(api_server, tls?.verify ?? true, purpose),
    uri: `${path}?labelSelector=${selector}`,
    token_file: from_prefix(token_file),
    is_over,
  };
}

/** Reads the token of the service account. The kubelet replaces it before it expires. */
function read_token(path: string): Result<string> {
  const [content, cause] = read_file(path, LONGEST_TOKEN);
  if (content === undefined) return $multi(undefined, `could not read the token: ${cause ?? ""}`);
  const [token] = string.match(content, "^%s*([!-~]+)%s*$");
  return $multi(token, token === undefined ? `there is no token in ${path}` : undefined);
}

export function kubernetes_request(client: KubernetesClient, uri: string): Result<string> {
  const [token, cause] = read_token(client.token_file);
  if (token === undefined) return $multi(undefined, cause);
  const headers = ["Accept: application/json", `Authorization: Bearer ${token}`];
  return $multi(service_request(client.service, "GET", uri, headers), undefined);
}

/** Reads an object. Phases that have light threads. */
export function get_object<T>(client: KubernetesClient, uri: string, schema: Schema): Result<T> {
  const [text, no_token] = kubernetes_request(client, uri);
  if (text === undefined) return $multi(undefined, no_token);
  const { service, is_over } = client;
  const [answer, cause] = ask_service(service, text, TIMEOUT_SECONDS, LARGEST_ANSWER, is_over);
  if (answer === undefined) return $multi(undefined, cause);
  if (answer.status !== 200) {
    const { message } = as_object(decode(answer.body)[0]);
    return $multi(undefined, describe(answer.status, typeof message === "string" ? message : answer.body));
  }
  return decode_as<T>(KUBERNETES, answer.body, schema);
}

/** Tells whether the object does not exist, or the service account has no permission to read it. */
export function is_withheld(cause: string): boolean {
  return string.find(cause, "^status 40[34]:")[0] !== undefined;
}
