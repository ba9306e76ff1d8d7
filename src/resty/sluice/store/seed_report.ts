import { settings_of } from "../config/settings";
import type { UpstreamConfig } from "../config/upstream";
import { encode } from "../lib/json";
import type { Document } from "./document/document";
import { parse_line, server_text } from "./document/line";

/** What a start says of the upstreams that `setup` names and that it does not create. */

const MOST_NAMES = 20;

/** The servers' texts, sorted, without what is no parameter of theirs. */
function servers_text(texts: string[]): string {
  table.sort(texts);
  return table.concat(texts, "\n");
}

/**
 * Tells whether an upstream is other than its seed. What its sources have brought, and the servers' order, do
 * not count.
 */
export function differs(document: Document, seed: UpstreamConfig): boolean {
  if (encode(settings_of(document)) !== encode(settings_of(seed))) return true;
  const own: string[] = [];
  for (const line of document.lines) {
    const record = parse_line(line);
    if (record.source === "") own.push(server_text({ ...record, leave_by: "", in_service: undefined }));
  }
  const given: string[] = [];
  for (const server of seed.servers) given.push(server_text(server));
  return servers_text(own) !== servers_text(given);
}

/** The first names of a list, and how many more there are. */
function shown(names: string[]): string {
  table.sort(names);
  if (names.length <= MOST_NAMES) return table.concat(names, ", ");
  return `${table.concat(names, ", ", 1, MOST_NAMES)} and ${names.length - MOST_NAMES} more`;
}

/**
 * Warns of the seeds that are not as `setup` gives them.
 *
 * @param changed those that the state has otherwise
 * @param deleted those that were deleted
 * @param prefix of the API
 */
export function report_seeds(changed: string[], deleted: string[], prefix: string): void {
  const how = `to apply what setup() gives, PUT it to ${prefix}/sluice/1/upstreams/<name>`;
  if (changed.length > 0) {
    const what = `the saved state is used for upstreams that setup() gives otherwise: ${shown(changed)}`;
    ngx.log(ngx.WARN, `sluice: ${what}; ${how}`);
  }
  if (deleted.length > 0) {
    const what = `upstreams of setup() that were deleted are not created again: ${shown(deleted)}`;
    ngx.log(ngx.WARN, `sluice: ${what}; ${how}`);
  }
}
