import { as_object, decode } from "../../lib/json";
import { read_items } from "../../lib/json_items";
import { new_pause } from "../../lib/pause";
import type { Result } from "../../lib/result";
import { check_schema, decode_as, unexpected, type Schema } from "../../lib/schema";
import type { Answer } from "../request";
import { ask_service, service_at, service_request, type Service } from "../service";
import { describe, open_stream, type Stream } from "../stream";

/** The API of a Docker engine, and of Podman, which has the same: its running containers. */

/** A client of one engine. */
export interface DockerClient {
  service: Service;
  /** The paths of the API begin with it: the newest version that the engine speaks. */
  root: string;
  /** The engine's time when it was greeted, in Unix seconds; undefined: it does not say. */
  began: number | undefined;
  /** Tells whether answers are not needed any more. */
  is_over: (this: void) => boolean;
}

/** The members of a container that are used. */
export interface Container {
  Id?: string;
  /** Names that begin with a slash. */
  Names?: string[];
  /** `running`, `paused`, `restarting`, … */
  State?: string;
  /** A text such as `Up 5 minutes (unhealthy)`. */
  Status?: string;
  Labels?: Record<string, string>;
  NetworkSettings?: { Networks?: Record<string, ContainerNetwork> };
}

/** A container's end in a network. An address that it does not have is "". */
export interface ContainerNetwork {
  IPAddress?: string;
  GlobalIPv6Address?: string;
}

/** The name of the registry in messages. */
export const DOCKER = "docker";

const NETWORK: Schema = { members: { IPAddress: "string", GlobalIPv6Address: "string" } };
const CONTAINER: Schema = {
  members: {
    Id: "string",
    Names: { items: "string" },
    State: "string",
    Status: "string",
    Labels: { values: "string" },
    NetworkSettings: { members: { Networks: { values: NETWORK } } },
  },
};

/** Time limit of an answer, in seconds. */
const TIMEOUT_SECONDS = 3;
/** Limit of an answer, in bytes: that of about 10,000 containers. */
const LARGEST_ANSWER = 16777216;
/** Limit of an event, which has the labels of its container. */
const LONGEST_LINE = 1048576;

/** Makes a client. `endpoint`, `verify` and `purpose` are those of `service_at`. Any phase. */
export function new_docker_client(
  endpoint: string,
  verify: boolean,
  purpose: string,
  is_over: (this: void) => boolean,
): DockerClient {
  return { service: service_at(endpoint, verify, purpose), root: "", began: undefined, is_over };
}

function engine_request({ service }: DockerClient, uri: string): string {
  return service_request(service, "GET", uri, ["Accept: application/json"]);
}

function ask(client: DockerClient, uri: string): Result<Answer> {
  const { service, is_over } = client;
  const text = engine_request(client, uri);
  const [answer, cause] = ask_service(service, text, TIMEOUT_SECONDS, LARGEST_ANSWER, is_over);
  if (answer === undefined || answer.status === 200) return $multi(answer, cause);
  const { message } = as_object(decode(answer.body)[0]);
  return $multi(undefined, describe(answer.status, typeof message === "string" ? message : answer.body));
}

/** Finds the version of the API and the engine's time. Phases that have light threads. */
export function greet_engine(client: DockerClient): Result<true> {
  const [answer, cause] = ask(client, "/version");
  if (answer === undefined) return $multi(undefined, cause);
  const schema: Schema = { members: { ApiVersion: "string" } };
  const [version, misfit] = decode_as<{ ApiVersion?: string }>(DOCKER, answer.body, schema);
  if (version === undefined) return $multi(undefined, misfit);
  const { ApiVersion: number = "" } = version;
  if (string.find(number, "^%d+%.%d+$")[0] === undefined || number.length > 16)
    return $multi(undefined, unexpected(DOCKER, 'there is no "ApiVersion"'));
  client.root = `/v${number}`;
  client.began = ngx.parse_http_time(answer.headers.date ?? "");
  return $multi(true, undefined);
}

/** Reads the list of containers in slices, however long it is. Phases that can sleep. */
function read_containers(body: string): Result<Container[]> {
  const containers: Container[] = [];
  let misfit: string | undefined;
  const pause = new_pause();
  const [is_there, reason] = read_items(`{"containers":${body}}`, "containers", pause, (item) => {
    misfit = misfit ?? check_schema(DOCKER, item, CONTAINER);
    containers.push(item as Container);
  });
  if (is_there === undefined) return $multi(undefined, unexpected(DOCKER, `it is not JSON: ${reason ?? ""}`));
  if (!is_there) return $multi(undefined, unexpected(DOCKER, "it is not a list"));
  return $multi(misfit === undefined ? containers : undefined, misfit);
}

/** Lists the containers that run, also those that are paused. Phases that have light threads. */
export function list_containers(client: DockerClient): Result<Container[]> {
  const [answer, cause] = ask(client, `${client.root}/containers/json`);
  if (answer === undefined) return $multi(undefined, `could not list the containers: ${cause ?? ""}`);
  return read_containers(answer.body);
}

/** Opens a stream of events since the engine was greeted. `filters`: JSON. Phases that have cosockets. */
export function open_events(client: DockerClient, filters: string): Result<Stream> {
  const { service, root, began } = client;
  const since = began === undefined ? "" : string.format("since=%d&", began);
  const text = engine_request(client, `${root}/events?${since}filters=${ngx.escape_uri(filters)}`);
  const [stream, cause] = open_stream(service.destination, text, TIMEOUT_SECONDS, LONGEST_LINE);
  if (stream === undefined) return $multi(undefined, `could not watch the events: ${cause ?? ""}`);
  return $multi(stream, undefined);
}
