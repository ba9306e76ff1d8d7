import type { Problem } from "../../config/problem";
import type { Read } from "../../config/reader";
import type { ServerConfig } from "../../config/server";
import { SETTINGS, settings_of, type UpstreamSettings } from "../../config/settings";
import { read_upstream, type UpstreamConfig } from "../../config/upstream";
import { read_list } from "../../config/values";
import { encode, raw, shape, shaped } from "../../lib/json";
import { escape_invalid_utf8 } from "../../lib/utf8";
import type { Document } from "../../store/document/document";
import { hosts_of } from "../../store/document/host";
import { upstream_not_found } from "../../store/document/problems";
import { read } from "../../store/document/read";
import { parse_lines } from "../../store/document/records";
import { replace_upstream } from "../../store/document/replace";
import type { Edit } from "../../store/edit";
import { look_up_names } from "../lookups";
import { check_conditions, type Conditions } from "../precondition";
import { server_list_text } from "../server_object";
import { check_empty } from "./empty";
import { check_made } from "./made";
import { take_origins, with_origins, type Origin } from "./origins";
import { restore_secrets, without_header_secrets, without_secrets, without_webhook_secret } from "./secrets";

/** Whole upstreams as JSON, and the edits that replace, change and delete them. */

const UPSTREAM = shape(SETTINGS.names, ["servers"]);

/** Returns settings as the API shows them: without secrets. */
export function shown_settings(settings: UpstreamSettings): UpstreamSettings {
  const discovery = without_secrets(settings.discovery);
  const autoscale = without_webhook_secret(settings.autoscale);
  const health_check = without_header_secrets(settings.health_check);
  return { ...settings, autoscale, discovery, health_check } as UpstreamSettings;
}

/** Returns an upstream as the API shows it, as JSON text in UTF-8. Rests. */
export function upstream_text(document: Document): string {
  const servers = server_list_text(document);
  const settings = shown_settings(settings_of(document));
  const text = escape_invalid_utf8(encode(shaped({ ...settings, servers: raw("") }, UPSTREAM)));
  // The servers are the last member.
  return `${string.sub(text, 1, -2)}${servers}}`;
}

/** An upstream that a client has sent. */
export interface Input {
  upstream: Record<string, unknown>;
  /** The origins of the servers; undefined: the input has no servers. */
  origins: Origin[] | undefined;
}

/**
 * Examines an upstream whose JSON text is `text`, looks up its host names, and takes the members off it that
 * are not parameters. Phases that have cosockets.
 */
export function read_input(name: string, upstream: Record<string, unknown>, text: string): Read<Input> {
  const ambiguous = check_empty(upstream, text);
  if (ambiguous !== undefined) return $multi(undefined, ambiguous);
  if (upstream.servers === undefined) return $multi({ upstream, origins: undefined }, undefined);
  const [servers] = read_list("servers", upstream.servers);
  const unknown = servers === undefined ? undefined : look_up_names(name, servers, upstream.resolver);
  if (unknown !== undefined) return $multi(undefined, unknown);
  const [origins, invalid] = take_origins(upstream.servers);
  return $multi(origins === undefined ? undefined : { upstream, origins }, invalid);
}

/** Reads an input as a whole upstream. */
export function read_whole(name: string, { upstream }: Input): Read<UpstreamConfig> {
  const hidden = restore_secrets(upstream, () => read(name));
  if (hidden !== undefined) return $multi(undefined, hidden);
  return read_upstream(upstream);
}

function config_of(document: Document): UpstreamConfig {
  const servers: ServerConfig[] = hosts_of(document);
  for (const record of parse_lines(document.lines)) servers.push(record);
  return { ...settings_of(document), servers };
}

/** Reads an input as a change of an upstream. */
export function read_patch({ upstream }: Input, current: Document): Read<UpstreamConfig> {
  const hidden = restore_secrets(upstream, () => current);
  if (hidden !== undefined) return $multi(undefined, hidden);
  return read_upstream(upstream, config_of(current));
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

/** Makes the edit that creates or replaces an upstream. */
export function put_edit(config: UpstreamConfig, input: Input, conditions: Conditions): Edit {
  return (current, revision) => {
    const lost = check_conditions(conditions, current);
    if (lost !== undefined) return $multi(undefined, lost);
    return replaced(current, config, input, revision);
  };
}

/**
 * Makes the edit that changes an upstream.
 *
 * @param unreadable the problem of a body that could not be read; one that does not exist comes first
 */
export function patch_edit(
  name: string,
  input: Input | undefined,
  unreadable: Problem | undefined,
  conditions: Conditions,
): Edit {
  return (current, revision) => {
    if (current === undefined) return $multi(undefined, upstream_not_found(name));
    if (input === undefined) return $multi(undefined, unreadable);
    const lost = check_conditions(conditions, current);
    if (lost !== undefined) return $multi(undefined, lost);
    const [config, invalid] = read_patch(input, current);
    if (config === undefined) return $multi(undefined, invalid);
    return replaced(current, config, input, revision);
  };
}

/** Makes the edit that deletes an upstream. */
export function delete_edit(name: string, conditions: Conditions): Edit {
  return (current) => {
    if (current === undefined) return $multi(undefined, upstream_not_found(name));
    return $multi(undefined, check_conditions(conditions, current) ?? check_made(name, current));
  };
}
