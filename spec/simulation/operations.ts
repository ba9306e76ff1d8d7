import type * as Precondition from "../../src/resty/sluice/api/precondition";
import type * as Answer from "../../src/resty/sluice/api/answer";
import type { Problem } from "../../src/resty/sluice/config/problem";
import type * as Server from "../../src/resty/sluice/config/server";
import type * as Upstream from "../../src/resty/sluice/config/upstream";
import type * as Pause from "../../src/resty/sluice/lib/pause";
import type * as Documents from "../../src/resty/sluice/store/document/document";
import type * as Edits from "../../src/resty/sluice/store/document/edit";
import type * as Read from "../../src/resty/sluice/store/document/read";
import type * as Replace from "../../src/resty/sluice/store/document/replace";
import type { Edit, Written } from "../../src/resty/sluice/store/edit";
import type * as Author from "../../src/resty/sluice/store/history/author";
import type * as Write from "../../src/resty/sluice/store/write";
import type { Worker } from "./gateway";

/** The requests of clients, as the API carries them out in a worker. */

/** What a client asks for. A write leaves its token in the upstream. */
export interface Operation {
  kind: "put" | "add" | "delete" | "several" | "read";
  names: string[];
  /** The number of the request, which is in what it writes. */
  token: number;
  /** The value of `If-Match`. */
  match: string | undefined;
}

/** How a request has ended. */
export interface Result {
  problem: Problem | undefined;
  /** The revision that a write has made, or that a read has seen; 0: the upstream does not exist. */
  revision: number;
  /** The ETag after the write, or of the read; "": the upstream does not exist. */
  tag: string;
}

type Document = Documents.Document;

const AUTHOR: Author.Author = { author: "client" };

const NOT_FOUND: Problem = { status: 404, code: "UpstreamNotFound", text: "there is no such upstream" };

/** Returns the text of a token that an upstream contains. */
export function token_text(token: number): string {
  return string.format("token%d_", token);
}

/** Returns the edit of a request in a worker. */
function edit_of({ load }: Worker, { kind, token }: Operation, match: string | undefined): Edit {
  const { check_conditions } = load("api/precondition") as typeof Precondition;
  const { read_upstream } = load("config/upstream") as typeof Upstream;
  const { read_server } = load("config/server") as typeof Server;
  const { replace_upstream } = load("store/document/replace") as typeof Replace;
  const { add_server } = load("store/document/edit") as typeof Edits;
  const route = token_text(token);
  const address = `10.1.${math.floor(token / 200)}.${token % 200}:80`;

  function replaced(current: Document | undefined, revision: number): Written {
    const servers: object[] = [{ server: "10.0.0.1:80", route }];
    for (const number of $range(1, token % 4)) servers.push({ server: `10.0.0.${1 + number}:80` });
    const [config, wrong] = read_upstream({ servers });
    if (config === undefined) return error(wrong?.text ?? "", 0);
    return replace_upstream(current, config, revision);
  }

  function edited(current: Document | undefined, revision: number): Written {
    if (kind === "delete" && current === undefined) return $multi(undefined, NOT_FOUND);
    if (kind === "delete") return $multi(undefined, undefined);
    if (current === undefined || kind === "put" || kind === "several") return replaced(current, revision);
    const [server, wrong] = read_server({ server: address, route });
    if (server === undefined) return error(wrong?.text ?? "", 0);
    return add_server(current, server, revision);
  }

  return (current, revision) => {
    const lost = check_conditions({ match, none_match: undefined }, current);
    if (lost !== undefined) return $multi(undefined, lost);
    return edited(current, revision);
  };
}

function read_upstream({ load }: Worker, name: string): Result {
  const { read } = load("store/document/read") as typeof Read;
  const { etag } = load("api/answer") as typeof Answer;
  const document = read(name);
  if (document === undefined) return { problem: undefined, revision: 0, tag: "" };
  return { problem: undefined, revision: document.revision, tag: etag(document) };
}

function write_several(worker: Worker, operation: Operation): Result {
  const { load } = worker;
  const { write_all } = load("store/write") as typeof Write;
  const { pause } = load("lib/pause") as typeof Pause;
  // Only the first upstream has a condition.
  const edits = operation.names.map((name, index) => {
    return { name, edit: edit_of(worker, operation, index === 0 ? operation.match : undefined) };
  });
  const { problems, revision } = write_all(() => $multi(edits, undefined), {
    reach: "all",
    author: AUTHOR,
    is_dry_run: false,
    pause,
  });
  return { problem: problems[0]?.problem, revision, tag: "" };
}

/** Carries out a request. Runs in a light thread of the worker. */
export function carry_out(worker: Worker, operation: Operation): Result {
  const { load } = worker;
  const [name] = operation.names;
  if (operation.kind === "read") return read_upstream(worker, name);
  if (operation.kind === "several") return write_several(worker, operation);
  const { write } = load("store/write") as typeof Write;
  const { etag } = load("api/answer") as typeof Answer;
  const [document, problem] = write(name, AUTHOR, edit_of(worker, operation, operation.match));
  if (document === undefined) return { problem, revision: 0, tag: "" };
  return { problem, revision: document.revision, tag: etag(document) };
}
