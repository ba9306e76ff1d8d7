import type { Problem } from "../config/problem";
import type { Read } from "../config/reader";
import { encode, record } from "../lib/json";
import { new_pause } from "../lib/pause";
import { new_turn } from "../lib/turn";
import { escape_invalid_utf8 } from "../lib/utf8";
import type { Document } from "../store/document/document";
import { request_id } from "./request_id";

/** Returns the next piece of a text; undefined: there are no more. */
export type NextPiece = (this: void, pause: (this: void) => void) => string | undefined;

export interface Answer {
  status: number;
  /** Sent as JSON; undefined: no body. */
  body?: unknown;
  /** Instead of `body`: its text. */
  text?: string;
  /** Instead of `body`: its text in pieces, between which other requests are served. */
  next_piece?: NextPiece;
  /** Instead of `body`: sends the body itself, and returns when the body is complete. */
  run?: (this: void) => void;
  /** True: the text or the pieces are known to be UTF-8, which saves a check of each byte. */
  is_utf8?: boolean;
  /** Default: JSON. */
  content_type?: string;
  headers?: Record<string, string>;
  /** True: it answers a report or a renewal that has changed nothing, of which the audit log has no line. */
  is_routine?: true;
}

export type Answered = Read<Answer>;

const body_record = record("error problems request_id href");
const error_record = record("status text code");
/** Time that a listing may take before other requests are served, in seconds. */
const LISTING_SLICE = 0.002;
const BAD_REQUEST = 400;
/** The documentation of the NGINX Plus API's paths. */
const PLUS_DOCUMENTATION = "https://nginx.org/en/docs/http/ngx_http_api_module.html";

/** Returns an answer with a JSON body, or without one, and with the ETag of `document` if it is given. */
export function reply(status: number, body?: unknown, document?: Document): Answered {
  const headers = document === undefined ? {} : { ETag: etag(document) };
  return $multi({ status, body, headers }, undefined);
}

/** As `reply`, with a body that is already JSON text in UTF-8. */
export function reply_text(status: number, text: string, document: Document): Answered {
  return $multi({ status, text, is_utf8: true, headers: { ETag: etag(document) } }, undefined);
}

export function ok(body: unknown, document?: Document): Answered {
  return reply(200, body, document);
}

/** As `reply`, to a report or to a renewal that has changed nothing. */
export function reply_to_routine(status: number, body?: unknown, document?: Document): Answered {
  const [answer] = reply(status, body, document);
  return $multi({ ...(answer as Answer), is_routine: true }, undefined);
}

/** Returns the ETag of an upstream. Gateways that share the upstream return the same one. */
export function etag({ revision, cluster_revision }: Document): string {
  if (cluster_revision !== undefined) {
    const [history, digits] = string.match(cluster_revision, "^(%x+)%.(%d+)$");
    if (history !== undefined) return string.format('"c%s-%d"', history, tonumber(digits));
    return string.format('"c%d"', tonumber(cluster_revision));
  }
  return string.format('"%d"', revision);
}

/** Returns the ETag of the whole store. */
export function etag_of_revision(revision: number): string {
  return string.format('"%d"', revision);
}

/** Returns the URL of the documentation for the request's path: this gateway describes /sluice/1. */
function documentation(): string {
  const { request_uri, scheme, http_host, host } = ngx.var;
  const [own, next] = string.match(request_uri ?? "", "^([^?#]-/sluice/1)([^/?#]?)");
  if (own === undefined || next !== "") return PLUS_DOCUMENTATION;
  return `${scheme ?? "http"}://${http_host ?? host ?? ""}${own}/openapi.json`;
}

function error_body(problem: Problem): unknown {
  const { status, text, code } = problem;
  const error = error_record({ status, text, code });
  return body_record({ error, problems: problem.problems, request_id: request_id(), href: documentation() });
}

/** Returns a function to be called after each small step of a listing. Phase: content_by_lua. */
export function new_listing_pause(): (this: void) => void {
  return new_pause(LISTING_SLICE, new_turn());
}

function send_pieces(next_piece: NextPiece, is_utf8: boolean): void {
  const pause = new_listing_pause();
  let piece = next_piece(pause);
  while (piece !== undefined) {
    // The client has disconnected.
    if (ngx.print(is_utf8 ? piece : escape_invalid_utf8(piece))[0] === undefined) return;
    // Otherwise each further piece of a client that reads no more would wait for as long as `send_timeout`.
    if (ngx.flush(true)[1] === "timeout") return;
    pause();
    piece = next_piece(pause);
  }
}

/** The bytes of a long text that are sent at a time. */
const PIECE_BYTES = 65536;

/** Sends a text. Other requests are served between the pieces of a long one. */
function send_text(text: string): void {
  ngx.header["Content-Length"] = tostring(text.length);
  if (text.length <= PIECE_BYTES) {
    ngx.print(text);
    return;
  }
  let sent = 0;
  send_pieces(() => {
    if (sent >= text.length) return undefined;
    sent += PIECE_BYTES;
    return string.sub(text, sent - PIECE_BYTES + 1, sent);
  }, true);
}

/**
 * Discards the request body unless a resource has read it. Otherwise nginx discards it at the end of the
 * request and then answers `Expect: 100-continue` after a part of the response has been sent.
 */
export function discard_body(): void {
  // A malformed chunk raises an error. nginx then answers 400 and closes the connection, because what follows
  // is not a request.
  const [is_discarded] = pcall(() => {
    ngx.req.discard_body();
  });
  if (!is_discarded) ngx.exit(BAD_REQUEST);
}

/**
 * Sends an answer as UTF-8, which texts of registries, servers and paths may not be. Phase: content_by_lua.
 */
export function send(answer: Answer): void {
  discard_body();
  ngx.status = answer.status;
  ngx.header["Content-Type"] = answer.content_type ?? "application/json";
  for (const [name, value] of pairs(answer.headers ?? {})) ngx.header[name] = value;
  const text = answer.body === undefined ? answer.text : encode(answer.body);
  if (answer.run !== undefined) {
    answer.run();
  } else if (answer.next_piece !== undefined) {
    send_pieces(answer.next_piece, answer.is_utf8 === true);
  } else if (text !== undefined) {
    send_text(answer.is_utf8 === true ? text : escape_invalid_utf8(text));
  }
}

/** Sends a problem as the API's error body. Phase: content_by_lua. */
export function send_problem(problem: Problem, headers: Record<string, string> = {}): void {
  send({ status: problem.status, body: error_body(problem), headers });
}
