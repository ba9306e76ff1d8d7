import type { Read } from "../../config/reader";
import { SETTINGS, settings_of } from "../../config/settings";
import { check_name, read_upstream, type UpstreamConfig } from "../../config/upstream";
import { encode, shape, shaped } from "../../lib/json";
import type { Document } from "../../store/document/document";
import { parse_line } from "../../store/document/line";
import { upstream_not_found } from "../../store/document/problems";
import { read } from "../../store/document/read";
import { replace_upstream } from "../../store/document/replace";
import { revision } from "../../store/memory/region";
import { write, type Edit } from "../../store/write";
import { ok, reply, type Answered } from "../answer";
import { visible_names } from "../client/visible";
import { collection_pieces } from "../collection";
import { of_upstream } from "../existing";
import { check_conditions } from "../precondition";
import { read_object, type ApiRequest } from "../request";
import type { Route } from "../route";
import { server_objects } from "../server_object";
import { check_empty } from "./empty";
import { unless_emptying } from "./emptying";
import { take_origins, with_origins, type Origin } from "./origins";
import { restore_secrets, without_secrets, without_webhook_secret } from "./secrets";

/** `/sluice/1/upstreams`: whole upstreams, each replaced in one step. */

const UPSTREAM = shape(SETTINGS.names, ["servers"]);

function upstream_object(document: Document): object {
  const settings = settings_of(document);
  const discovery = without_secrets(settings.discovery);
  const autoscale = without_webhook_secret(settings.autoscale);
  return shaped({ ...settings, autoscale, discovery, servers: server_objects(document) }, UPSTREAM);
}

interface Input {
  upstream: Record<string, unknown>;
  /** The origins of the servers; undefined: the body has no servers. */
  origins: Origin[] | undefined;
}

function read_input(): Read<Input> {
  const [upstream, text, unreadable] = read_object();
  if (upstream === undefined) return $multi(undefined, unreadable);
  const ambiguous = check_empty(upstream, text);
  if (ambiguous !== undefined) return $multi(undefined, ambiguous);
  if (upstream.servers === undefined) return $multi({ upstream, origins: undefined }, undefined);
  const [origins, invalid] = take_origins(upstream.servers);
  return $multi(origins === undefined ? undefined : { upstream, origins }, invalid);
}

function replaced(
  current: Document | undefined,
  config: UpstreamConfig,
  { origins }: Input,
  revision: number,
): ReturnType<Edit> {
  const servers = origins === undefined ? config.servers : with_origins(current, config, origins);
  return replace_upstream(current, { ...config, servers }, revision);
}

function config_of(document: Document): UpstreamConfig {
  const servers = [];
  for (const line of document.lines) servers.push(parse_line(line));
  return { ...settings_of(document), servers };
}

function get_all(this: void, { client }: ApiRequest): Answered {
  const headers = { ETag: string.format('"%d"', revision()) };
  const next_piece = collection_pieces(visible_names(client), (name) => {
    const document = read(name);
    return document === undefined ? undefined : encode(upstream_object(document));
  });
  return $multi({ status: 200, next_piece, headers }, undefined);
}

const get_one = of_upstream((document) => ok(upstream_object(document), document));

function put(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const bad_name = check_name(name);
  if (bad_name !== undefined) return $multi(undefined, bad_name);
  const [input, unreadable] = read_input();
  if (input === undefined) return $multi(undefined, unreadable);
  const hidden = restore_secrets(input.upstream, read(name));
  if (hidden !== undefined) return $multi(undefined, hidden);
  const [config, invalid] = read_upstream(input.upstream);
  if (config === undefined) return $multi(undefined, invalid);

  let status = 200;
  const edit: Edit = (current, next_revision) => {
    const lost = check_conditions(request.conditions, current);
    if (lost !== undefined) return $multi(undefined, lost);
    if (current === undefined) status = 201;
    return replaced(current, config, input, next_revision);
  };
  const [document, problem] = write(name, unless_emptying(name, edit));
  if (document === undefined) return $multi(undefined, problem);
  return reply(status, upstream_object(document), document);
}

function patch(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const [input, unreadable] = read_input();
  const edit: Edit = (current, next_revision) => {
    if (current === undefined) return $multi(undefined, upstream_not_found(name));
    if (input === undefined) return $multi(undefined, unreadable);
    const lost = check_conditions(request.conditions, current);
    if (lost !== undefined) return $multi(undefined, lost);
    const hidden = restore_secrets(input.upstream, current);
    if (hidden !== undefined) return $multi(undefined, hidden);
    const [config, invalid] = read_upstream(input.upstream, config_of(current));
    if (config === undefined) return $multi(undefined, invalid);
    return replaced(current, config, input, next_revision);
  };
  const [document, problem] = write(name, unless_emptying(name, edit));
  if (document === undefined) return $multi(undefined, problem);
  return ok(upstream_object(document), document);
}

function remove(this: void, request: ApiRequest): Answered {
  const { name } = request.parameters;
  const edit: Edit = (current) => {
    if (current === undefined) return $multi(undefined, upstream_not_found(name));
    return $multi(undefined, check_conditions(request.conditions, current));
  };
  const [, problem] = write(name, unless_emptying(name, edit));
  if (problem !== undefined) return $multi(undefined, problem);
  return reply(204);
}

export const routes: Route[] = [
  { path: "upstreams", scope: "filtered", GET: get_all },
  { path: "upstreams/{name}", GET: get_one, PUT: put, PATCH: patch, DELETE: remove },
];
