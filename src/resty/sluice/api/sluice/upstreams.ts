import { invalid_value } from "../../config/problem";
import type { Read } from "../../config/reader";
import { check_name } from "../../config/name";
import { read } from "../../store/document/read";
import { revision } from "../../store/memory/region";
import type { Edit } from "../../store/edit";
import { write } from "../../store/write";
import { etag_of_revision, reply, reply_text, type Answered, type NextPiece } from "../answer";
import { author_of } from "../author";
import type { Client } from "../client/client";
import { visible_names } from "../client/visible";
import { collection_pieces } from "../collection";
import { of_upstream } from "../existing";
import { argument, read_object, type ApiRequest } from "../request";
import type { Route } from "../route";
import { unless_emptying } from "./emptying";
import { export_pieces } from "./export";
import {
  delete_edit,
  patch_edit,
  put_edit,
  read_input,
  read_whole,
  upstream_text,
  type Input,
} from "./upstream_edits";

/** `/sluice/1/upstreams`: whole upstreams, each replaced in one step. */

function all_pieces(client: Client): NextPiece {
  return collection_pieces(visible_names(client), (name) => {
    const document = read(name);
    return document === undefined ? undefined : upstream_text(document);
  });
}

function get_all(this: void, { client }: ApiRequest): Answered {
  const headers = { ETag: etag_of_revision(revision()) };
  const format = argument("format");
  if (format !== undefined && format !== "export")
    return $multi(undefined, invalid_value("format", 'must be "export"'));
  const next_piece = format === "export" ? export_pieces(client) : all_pieces(client);
  return $multi({ status: 200, next_piece, headers }, undefined);
}

const get_one = of_upstream((document) => reply_text(200, upstream_text(document), document));

function input_of_body(name: string): Read<Input> {
  const [upstream, text, unreadable] = read_object();
  if (upstream === undefined) return $multi(undefined, unreadable);
  return read_input(name, upstream, text);
}

function put(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const bad_name = check_name(name);
  if (bad_name !== undefined) return $multi(undefined, bad_name);
  const [input, unreadable] = input_of_body(name);
  if (input === undefined) return $multi(undefined, unreadable);
  const [config, invalid] = read_whole(name, input);
  if (config === undefined) return $multi(undefined, invalid);
  let status = 200;
  const replace = put_edit(config, input, request.conditions);
  const edit: Edit = (current, next_revision) => {
    status = current === undefined ? 201 : 200;
    return replace(current, next_revision);
  };
  const [document, problem] = write(name, author_of(request), unless_emptying(name, edit));
  if (document === undefined) return $multi(undefined, problem);
  return reply_text(status, upstream_text(document), document);
}

function patch(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const [input, unreadable] = input_of_body(name);
  const edit = patch_edit(name, input, unreadable, request.conditions);
  const [document, problem] = write(name, author_of(request), unless_emptying(name, edit));
  if (document === undefined) return $multi(undefined, problem);
  return reply_text(200, upstream_text(document), document);
}

function remove(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const edit = unless_emptying(name, delete_edit(name, request.conditions));
  const [, problem] = write(name, author_of(request), edit);
  if (problem !== undefined) return $multi(undefined, problem);
  return reply(204);
}

export const routes: Route[] = [
  { path: "upstreams", scope: "filtered", GET: get_all },
  { path: "upstreams/{name}", GET: get_one, PUT: put, PATCH: patch, DELETE: remove },
];
