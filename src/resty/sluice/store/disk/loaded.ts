import type { ServerConfig } from "../../config/server";
import { server_text } from "../document/line";
import type { ReadChange } from "../document/saved";
import type { RowNumber } from "../memory/cells";

/** Changes and servers as a start keeps them: with the texts that are stored. Pure. */

/** A server of a line on disk. */
export interface LoadedServer {
  id: number;
  incarnation: number;
  server: string;
  max_fails: number;
  fail_timeout: string;
  /** Its parameters, as `server_text` writes them. */
  text: string;
  /** Its parameters. Servers at other addresses may share them, so the address in them does not count. */
  parameters: ServerConfig;
  /** 0: it has none yet. */
  row: RowNumber;
}

/** A change of a line on disk. */
export interface LoadedChange extends Omit<ReadChange, "put"> {
  put: LoadedServer[];
}

/** Makes a server. `text`: the address and the parameters. */
export function loaded_server(
  id: number,
  incarnation: number,
  server: string,
  text: string,
  parameters: ServerConfig,
): LoadedServer {
  const { max_fails, fail_timeout } = parameters;
  return { id, incarnation, server, max_fails, fail_timeout, text, parameters, row: 0 as RowNumber };
}

/** Adds the stored texts to the servers of a change. */
export function loaded_change(change: ReadChange): LoadedChange {
  const put: LoadedServer[] = [];
  for (const server of change.put)
    put.push(loaded_server(server.id, server.incarnation, server.server, server_text(server), server));
  return { ...change, put };
}
