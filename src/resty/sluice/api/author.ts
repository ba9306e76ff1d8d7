import type { Author } from "../store/history/author";
import { check_upstream, covers_all } from "./client/client";
import type { ApiRequest } from "./request";
import { request_id } from "./request_id";

/** Returns who makes the change that a request asks for, for the history. Phase: content_by_lua. */
export function author_of({ client }: Pick<ApiRequest, "client">, comment?: string): Author {
  return {
    author: client.name,
    origin: ngx.var.remote_addr,
    comment,
    request_id: request_id(),
    check_upstream: covers_all(client) ? undefined : (name) => check_upstream(client, name),
  };
}
