import type { Result } from "../../lib/result";
import { decode_as, unexpected, type Schema } from "../../lib/schema";
import { describe, next_line, open_stream, type Stream } from "../stream";
import { get_object, KUBERNETES, kubernetes_request, type KubernetesClient } from "./client";

/** Lists the EndpointSlices of a service, and watches their changes. */

interface Metadata {
  name?: string;
  resourceVersion?: string;
  continue?: string;
}

/** The members of a slice that are used. */
export interface Slice {
  metadata?: Metadata;
  /** `IPv4`, `IPv6`, or another for endpoints without an IP address. */
  addressType?: string;
  ports?: { name?: string; port?: number; protocol?: string }[];
  endpoints?: Endpoint[];
}

export interface Endpoint {
  addresses?: string[];
  /** The zone of its node; absent: not known. */
  zone?: string;
  conditions?: { ready?: boolean; serving?: boolean; terminating?: boolean };
}

const METADATA: Schema = { members: { name: "string", resourceVersion: "string", continue: "string" } };
const CONDITIONS: Schema = { members: { ready: "boolean", serving: "boolean", terminating: "boolean" } };
const SLICE = {
  metadata: METADATA,
  addressType: "string",
  ports: { items: { members: { name: "string", port: "number", protocol: "string" } } },
  endpoints: {
    items: { members: { addresses: { items: "string" }, zone: "string", conditions: CONDITIONS } },
  },
} satisfies Record<string, Schema>;
const LIST: Schema = { members: { metadata: METADATA, items: { items: { members: SLICE } } } };
/** The schema of an event, whose object is a slice or a status with a code and a message. */
const EVENT: Schema = {
  members: { type: "string", object: { members: { ...SLICE, code: "number", message: "string" } } },
};

/** All slices at one resource version. */
export interface SliceList {
  slices: Slice[];
  version: string;
}

export interface SliceEvent {
  kind: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  slice: Slice;
  /** The resource version after the change. */
  version: string;
}

interface RawEvent {
  type?: SliceEvent["kind"] | "ERROR";
  object?: Slice & { code?: number; message?: string };
}

const KINDS = new LuaSet<string>();
for (const kind of ["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]) KINDS.add(kind);

const SLICES_A_PAGE = 500;
const MOST_PAGES = 100;
const TIMEOUT_SECONDS = 3;
const LONGEST_LINE = 16777216;
/** Duration of a watch, in seconds. The next one proves that the API server still answers. */
export const WATCH_SECONDS = 60;

/** Returns a member of the `metadata` of a slice or a list; "": it is missing. */
export function metadata_of({ metadata }: { metadata?: Metadata }, name: keyof Metadata): string {
  return metadata?.[name] ?? "";
}

/** Lists the slices. Phases that have light threads. */
export function list_slices(client: KubernetesClient): Result<SliceList> {
  const list: SliceList = { slices: [], version: "" };
  let uri = `${client.uri}&limit=${SLICES_A_PAGE}`;
  for (const _ of $range(1, MOST_PAGES)) {
    const [page, cause] = get_object<{ metadata?: Metadata; items?: Slice[] }>(client, uri, LIST);
    if (page === undefined) return $multi(undefined, cause);
    for (const slice of page.items ?? []) list.slices.push(slice);
    list.version = metadata_of(page, "resourceVersion");
    if (list.version === "")
      return $multi(undefined, unexpected(KUBERNETES, 'there is no "metadata.resourceVersion"'));
    const place = metadata_of(page, "continue");
    if (place === "") return $multi(list, undefined);
    uri = `${client.uri}&limit=${SLICES_A_PAGE}&continue=${ngx.escape_uri(place)}`;
  }
  return $multi(undefined, `the list has more than ${MOST_PAGES} pages`);
}

/** Opens a watch from a version. Phases that have cosockets. */
export function watch_slices(client: KubernetesClient, version: string): Result<Stream> {
  const what = `watch=true&allowWatchBookmarks=true&resourceVersion=${ngx.escape_uri(version)}`;
  const uri = `${client.uri}&${what}&timeoutSeconds=${WATCH_SECONDS}`;
  const [text, no_token] = kubernetes_request(client, uri);
  if (text === undefined) return $multi(undefined, no_token);
  return open_stream(client.service.destination, text, TIMEOUT_SECONDS, LONGEST_LINE);
}

/** Waits at most some seconds for the next event. The cause may be that of `next_line`. */
export function next_event(stream: Stream, seconds: number): Result<SliceEvent> {
  const [line, cause] = next_line(stream, seconds);
  if (line === undefined) return $multi(undefined, cause);
  const [event, misfit] = decode_as<RawEvent>(KUBERNETES, line, EVENT);
  if (event === undefined) return $multi(undefined, misfit);
  const { type: kind, object } = event;
  if (object === undefined) return $multi(undefined, unexpected(KUBERNETES, 'an event has no "object"'));
  if (kind === "ERROR") return $multi(undefined, describe(object.code ?? 0, object.message ?? ""));
  if (kind === undefined || !KINDS.has(kind))
    return $multi(undefined, unexpected(KUBERNETES, "an event is of an unknown type"));
  const version = metadata_of(object, "resourceVersion");
  return $multi({ kind, slice: object, version }, undefined);
}

/** Tells whether the API server does not have the changes since the requested version any more. */
export function is_expired(cause: string): boolean {
  return string.find(cause, "^status 410:")[0] !== undefined;
}
