/** Paths below the API's prefix. */

/** The path of an upstream in the API of whole upstreams. */
export function upstreamPath(name: string): string {
  return `/sluice/1/upstreams/${encodeURIComponent(name)}`;
}

/** The path of the configuration of an upstream's servers. */
export function serversPath(name: string): string {
  return `/9/http/upstreams/${encodeURIComponent(name)}/servers`;
}

/** The path of the configuration of one server. */
export function serverPath(name: string, id: number): string {
  return `${serversPath(name)}/${id}`;
}

/** The path of a server's drain job. */
export function drainPath(name: string, id: number): string {
  return `${upstreamPath(name)}/servers/${id}/drain`;
}
