import { is_host_name } from "../config/host_name";
import { settings_of } from "../config/settings";
import type { UpstreamConfig } from "../config/upstream";
import { encode } from "../lib/json";
import type { Document } from "./document/document";
import { hosts_of } from "./document/host";
import { parse_line, server_text } from "./document/line";

/** Warnings at a start about the seeds that are not created. */

const MOST_NAMES = 20;

function servers_text(texts: string[]): string {
  table.sort(texts);
  return table.concat(texts, "\n");
}

/** Returns whether an upstream differs from its seed, apart from its sources' servers and the order. */
export function differs(document: Document, seed: UpstreamConfig): boolean {
  if (encode(settings_of(document)) !== encode(settings_of(seed))) return true;
  // The addresses of a name that was looked up once may have changed since.
  if (seed.servers.some(({ server, resolve }) => resolve !== true && is_host_name(server))) return false;
  const own = hosts_of(document).map((host) => server_text(host));
  for (const line of document.lines) {
    const record = parse_line(line);
    if (record.source === "") own.push(server_text({ ...record, leave_by: "", in_service: undefined }));
  }
  const given = seed.servers.map((server) => server_text(server));
  return servers_text(own) !== servers_text(given);
}

function shown(names: string[]): string {
  table.sort(names);
  if (names.length <= MOST_NAMES) return table.concat(names, ", ");
  return `${table.concat(names, ", ", 1, MOST_NAMES)} and ${names.length - MOST_NAMES} more`;
}

/** Warns about seeds that differ from the saved state, or are not created. `prefix`: that of the API. */
export function report_seeds(changed: string[], deleted: string[], prefix: string): void {
  const how = `to apply the upstreams of setup(), PUT them to ${prefix}/sluice/1/upstreams/<name>`;
  if (changed.length > 0) {
    const what = `the saved state is used for upstreams that differ from setup(): ${shown(changed)}`;
    ngx.log(ngx.WARN, `sluice: ${what}; ${how}`);
  }
  if (deleted.length > 0) {
    const what = `upstreams of setup() that were deleted are not created again: ${shown(deleted)}`;
    ngx.log(ngx.WARN, `sluice: ${what}; ${how}`);
  }
}
