import { encode } from "../../lib/json";
import type { Result } from "../../lib/result";
import { decode_as, type Schema } from "../../lib/schema";
import { next_line, type Stream } from "../stream";
import { DOCKER, open_events, type DockerClient } from "./engine";

/** The events of a Docker engine after which its running containers may be others. */

export interface ContainerEvent {
  /** `start`, `die`, `pause`, `unpause`, `health_status`, `connect` or `disconnect`; "": another. */
  action: string;
  /** The id of the container; of `connect` and `disconnect`, that of the network. */
  id: string;
}

interface RawEvent {
  Action?: string;
  Actor?: { ID?: string };
}

const EVENT: Schema = { members: { Action: "string", Actor: { members: { ID: "string" } } } };

const ACTIONS = ["start", "die", "pause", "unpause", "health_status", "connect", "disconnect"];
const KNOWN = new LuaSet<string>();
for (const action of ACTIONS) KNOWN.add(action);

/** Without it, each health check of each container would be three events. */
const FILTERS = encode({ type: ["container", "network"], event: ACTIONS });

/** Watches the events. Phases that have cosockets. */
export function watch_containers(client: DockerClient): Result<Stream> {
  return open_events(client, FILTERS);
}

/** Waits at most some seconds for the next event. The cause may be that of `next_line`. */
export function next_container_event(stream: Stream, seconds: number): Result<ContainerEvent> {
  const [line, cause] = next_line(stream, seconds);
  if (line === undefined) return $multi(undefined, cause);
  const [event, misfit] = decode_as<RawEvent>(DOCKER, line, EVENT);
  if (event === undefined) return $multi(undefined, misfit);
  // Such as `health_status: healthy`.
  const [action] = string.match(event.Action ?? "", "^[%w_]*");
  const is_known = action !== undefined && KNOWN.has(action);
  return $multi({ action: is_known ? action : "", id: event.Actor?.ID ?? "" }, undefined);
}
