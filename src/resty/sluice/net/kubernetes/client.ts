import { as_object, decode } from "../../lib/json";
import { from_prefix } from "../../lib/path";
import { decode_as, type Schema } from "../../lib/schema";
import { format_request, request } from "../request";
import { service_at, type Service } from "../service";
import { describe } from "../stream";
import { wait_for } from "../wait";

/** The API of Kubernetes, as far as it has a service (v1) and its EndpointSlices (discovery.k8s.io/v1). */

/** What is needed to ask an API server about a service. */
export interface KubernetesClient {
  service: Service;
  /** The path of the service. */
  service_uri: string;
  /** Of the service's slices, with the argument that selects them. */
  uri: string;
  token_file: string;
  /** Whether nobody waits for an answer any more. */
  is_over: (this: void) => boolean;
}

/** Where a service of Kubernetes is. */
export interface KubernetesPlace {
  namespace: string;
  service: string;
  api_server: string;
  token_file: string;
  tls?: { verify: boolean };
}

type Text = LuaMultiReturn<[string | undefined, string | undefined]>;

/** The name of the source in messages. */
export const KUBERNETES = "kubernetes";

const TIMEOUT_SECONDS = 3;
/** A page of slices with the most endpoints that they can have. */
const LARGEST_ANSWER = 16777216;

/** A client for a service and its slices. `purpose` as in `service_at`. Any phase. */
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

/** Reads the service account's token: the kubelet replaces it long before it ends. */
function read_token(path: string): Text {
  const [file, cause] = io.open(path, "rb");
  if (file === undefined) return $multi(undefined, `could not read the token: ${cause ?? ""}`);
  const content = file.read("*a");
  file.close();
  const [token] = string.match(content ?? "", "^%s*([!-~]+)%s*$");
  return $multi(token, token === undefined ? `there is no token in ${path}` : undefined);
}

/** The text of a request, with the token of now. Returns it, or undefined and the cause. */
export function kubernetes_request(client: KubernetesClient, uri: string): Text {
  const [token, cause] = read_token(client.token_file);
  if (token === undefined) return $multi(undefined, cause);
  const headers = ["Accept: application/json", `Authorization: Bearer ${token}`];
  for (const header of client.service.headers) headers.push(header);
  return $multi(format_request("GET", uri, headers), undefined);
}

/**
 * Asks for an object. Phases that have light threads.
 *
 * @param schema what the answer must be like
 * @returns the answer, or undefined and the cause
 */
export function get_object<T>(
  client: KubernetesClient,
  uri: string,
  schema: Schema,
): LuaMultiReturn<[T | undefined, string | undefined]> {
  const [text, no_token] = kubernetes_request(client, uri);
  if (text === undefined) return $multi(undefined, no_token);
  const [answer, cause] = wait_for(
    () => request(client.service.destination, text, TIMEOUT_SECONDS, LARGEST_ANSWER),
    client.is_over,
  );
  if (answer === undefined) return $multi(undefined, cause);
  if (answer.status !== 200) {
    const { message } = as_object(decode(answer.body)[0]);
    return $multi(undefined, describe(answer.status, typeof message === "string" ? message : answer.body));
  }
  return decode_as<T>(KUBERNETES, answer.body, schema);
}

/** Whether a cause is that the object is not there, or that the service account may not read it. */
export function is_withheld(cause: string): boolean {
  return string.find(cause, "^status 40[34]:")[0] !== undefined;
}
