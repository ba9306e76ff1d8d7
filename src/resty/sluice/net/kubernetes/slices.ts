import { as_list, as_object, decode, is_table } from "../../lib/json";
import { describe, next_line, open_stream, type Stream } from "../stream";
import { get_object, kubernetes_request, type KubernetesClient } from "./client";

/** The EndpointSlices of a service: all that there are, and what changes from there on. */

/** A slice as the API has it. */
export type Slice = Record<string, unknown>;

/** All slices at one version of the API's. */
export interface SliceList {
  slices: Slice[];
  version: string;
}

/** Something that has happened to a slice. */
export interface SliceEvent {
  kind: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  slice: Slice;
  /** The API's version from then on. */
  version: string;
}

const SLICES_A_PAGE = 500;
const MOST_PAGES = 100;
const TIMEOUT_SECONDS = 3;
const LONGEST_LINE = 16777216;
/** How long a watch lasts. With the next comes the token of then, and word of the API server, if all is quiet. */
export const WATCH_SECONDS = 60;

/** A member of a slice's `metadata`; "": it is not there. */
export function metadata_of(slice: unknown, name: string): string {
  const member = as_object(as_object(slice).metadata)[name];
  return typeof member === "string" ? member : "";
}

/** Lists the slices, page by page. Returns them, or undefined and the cause. Phases that have light threads. */
export function list_slices(
  client: KubernetesClient,
): LuaMultiReturn<[SliceList | undefined, string | undefined]> {
  const list: SliceList = { slices: [], version: "" };
  let more = [`limit=${SLICES_A_PAGE}`];
  for (const _ of $range(1, MOST_PAGES)) {
    const [page, cause] = get_object(client, more);
    if (page === undefined) return $multi(undefined, cause);
    for (const slice of as_list(page.items)) list.slices.push(as_object(slice));
    list.version = metadata_of(page, "resourceVersion");
    if (list.version === "") return $multi(undefined, "the answer is no list");
    const place = metadata_of(page, "continue");
    if (place === "") return $multi(list, undefined);
    more = [`limit=${SLICES_A_PAGE}`, `continue=${ngx.escape_uri(place)}`];
  }
  return $multi(undefined, `the list has more than ${MOST_PAGES} pages`);
}

/** Watches the slices from a version on. Returns the stream, or undefined and the cause. Phases that have cosockets. */
export function watch_slices(
  client: KubernetesClient,
  version: string,
): LuaMultiReturn<[Stream | undefined, string | undefined]> {
  const [text, no_token] = kubernetes_request(client, [
    "watch=true",
    "allowWatchBookmarks=true",
    `resourceVersion=${ngx.escape_uri(version)}`,
    `timeoutSeconds=${WATCH_SECONDS}`,
  ]);
  if (text === undefined) return $multi(undefined, no_token);
  return open_stream(client.service.destination, text, TIMEOUT_SECONDS, LONGEST_LINE);
}

/**
 * Waits for the next event, for some seconds.
 *
 * @returns it, or undefined and the cause: that of `next_line`, or what the API server has to say
 */
export function next_event(
  stream: Stream,
  seconds: number,
): LuaMultiReturn<[SliceEvent | undefined, string | undefined]> {
  const [line, cause] = next_line(stream, seconds);
  if (line === undefined) return $multi(undefined, cause);
  const [event] = decode(line);
  const { type: kind, object } = as_object(event);
  if (!is_table(object)) return $multi(undefined, `the watch has failed: ${string.sub(line, 1, 200)}`);
  if (kind === "ERROR")
    return $multi(undefined, describe(tonumber(object.code) ?? 0, tostring(object.message)));
  const version = metadata_of(object, "resourceVersion");
  return $multi({ kind: kind as SliceEvent["kind"], slice: object, version }, undefined);
}

/** Whether a cause is that the API server has forgotten what has changed since the version that it was asked from. */
export function is_expired(cause: string): boolean {
  return string.find(cause, "^status 410:")[0] !== undefined;
}
