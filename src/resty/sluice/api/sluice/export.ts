import { SETTINGS, settings_of } from "../../config/settings";
import { encode, list, shape, shaped } from "../../lib/json";
import type { Document } from "../../store/document/document";
import { hosts_of } from "../../store/document/host";
import { parse_line } from "../../store/document/line";
import { read } from "../../store/document/read";
import type { NextPiece } from "../answer";
import type { Client } from "../client/client";
import { visible_names } from "../client/visible";
import { collection_pieces, pieces_between } from "../collection";
import { parameters_object } from "../server_object";
import { shown_settings } from "./upstream_edits";

/** What `changes` accepts to restore all upstreams: without ids, and without the servers of sources. */

const UPSTREAM = shape(SETTINGS.names, ["servers"]);

function export_object(document: Document): object {
  const servers: object[] = hosts_of(document).map((host) => parameters_object(host));
  for (const line of document.lines) {
    const record = parse_line(line);
    if (record.source === "") servers.push(parameters_object(record));
  }
  const settings = shown_settings(settings_of(document));
  return shaped({ ...settings, servers: list(servers) }, UPSTREAM);
}

/** Returns the export of all upstreams that a client sees, in pieces. */
export function export_pieces(client: Client): NextPiece {
  const next_upstreams = collection_pieces(visible_names(client), (name) => {
    const document = read(name);
    return document === undefined ? undefined : encode(export_object(document));
  });
  return pieces_between('{"upstreams":', next_upstreams, "}");
}
