import { is_made } from "../../config/discovery";
import { check_fit } from "../../config/fit";
import type { ServerConfig } from "../../config/server";
import type { UpstreamConfig } from "../../config/upstream";
import { settings_of_made } from "../../config/upstream_template";
import * as clock from "../../lib/clock";
import { new_pause } from "../../lib/pause";
import { keys_of } from "../../lib/tables";
import { first_of } from "../../lib/text";
import { new_rest } from "../../lib/turn";
import { parse_head } from "../../store/document/document";
import { replace_upstream } from "../../store/document/replace";
import type { Misfit } from "../../store/document/sourced";
import { DISCOVERY } from "../../store/history/author";
import { get_text } from "../../store/memory/dict";
import { is_over } from "../../store/memory/generation";
import { write_all, type NamedEdit } from "../../store/write";
import type { Entry } from "../source";
import { servers_of, why_unusable } from "../subscription";
import { describe_template } from "./current";
import type { Memory } from "./memory";
import { end_trouble, is_resting, note_trouble } from "./trouble";

/** Makes the upstreams that a registry has and the gateway lacks. */

/** Upper bound on the upstreams of a template. */
export const MOST_UPSTREAMS = 10000;
/** Limits of one write, so that requests and other writers do not wait for long. */
const UPSTREAMS_A_WRITE = 50;
const SERVERS_A_WRITE = 250;
/** How long a write works before other requests are served, in seconds. */
const SLICE = 0.001;

/** Why an upstream is not made as long as there are so many others. */
export const TOO_MANY = `the template makes at most ${string.format("%d", MOST_UPSTREAMS)} upstreams`;

const OTHERS_UPSTREAM = "an upstream of this name exists, which the template has not made";

const NO_SERVERS = "the registry has no server of this upstream yet";

/** An upstream to make. */
interface Planned {
  name: string;
  config: UpstreamConfig;
}

/** Returns a function to be called after each small step of a write of several upstreams. */
export function new_write_pause(): (this: void) => void {
  return new_pause(SLICE, new_rest());
}

/** Returns the first servers of an upstream's entries, as many as one write adds, or why there are none. */
function first_servers(
  { template }: Memory,
  entries: readonly Entry[],
): LuaMultiReturn<[ServerConfig[], string]> {
  const skipped: Misfit[] = [];
  const settings = settings_of_made(template);
  const servers: ServerConfig[] = [];
  for (const { config } of servers_of(entries, skipped)) {
    const unfit = check_fit(settings, config);
    if (unfit !== undefined) skipped.push({ server: config.server, reason: unfit.text });
    else if (servers.length < SERVERS_A_WRITE) servers.push(config);
  }
  return $multi(servers, servers.length === 0 ? (why_unusable(skipped) ?? NO_SERVERS) : "");
}

function has_made(text: string): boolean {
  return is_made(parse_head(text)[0].discovery);
}

/** Plans an upstream, unless it exists or must not be made. */
function plan(memory: Memory, name: string, count: number): Planned | undefined {
  const { groups, refusals, template } = memory;
  const text = get_text(name);
  if (text !== undefined) {
    if (!has_made(text)) refusals.set(name, { reason: OTHERS_UPSTREAM, is_final: false });
    return undefined;
  }
  if (count >= MOST_UPSTREAMS) {
    refusals.set(name, { reason: TOO_MANY, is_final: false });
    return undefined;
  }
  const [servers, reason] = first_servers(memory, groups.get(name) ?? []);
  if (servers.length === 0) {
    refusals.set(name, { reason, is_final: true });
    return undefined;
  }
  refusals.delete(name);
  return { name, config: { ...settings_of_made(template), servers } };
}

function edit_of({ refusals }: Memory, { name, config }: Planned): NamedEdit {
  return {
    name,
    edit: (current, revision) => {
      if (current === undefined) return replace_upstream(undefined, config, revision);
      if (!is_made(current.discovery)) refusals.set(name, { reason: OTHERS_UPSTREAM, is_final: false });
      return $multi(current, undefined);
    },
  };
}

function log_made(names: readonly string[]): void {
  ngx.log(
    ngx.NOTICE,
    `sluice: ${describe_template()} has made ${names.length} upstreams: ${first_of(names)}`,
  );
}

/**
 * Makes planned upstreams in one write. Those that cannot be made are left out, with their reasons. Returns
 * false if the write has failed as a whole.
 */
function make(memory: Memory, planned: readonly Planned[]): boolean {
  let rest = planned;
  while (rest.length > 0 && !is_over()) {
    const edits = rest.map((one) => edit_of(memory, one));
    const manner = { reach: "all", author: DISCOVERY, is_dry_run: false, pause: new_write_pause() } as const;
    const { problems, changes } = write_all(() => $multi(edits, undefined), manner);
    const bad = new LuaSet<string>();
    for (const { name, problem } of problems) {
      if (name === undefined) {
        note_trouble(memory.making, `could not make upstreams: ${problem.text}`, clock.now());
        return false;
      }
      bad.add(name);
      memory.refusals.set(name, { reason: problem.text, is_final: false });
    }
    if (problems.length === 0) {
      const made = changes.filter(({ current }) => current === undefined);
      if (made.length > 0) log_made(made.map(({ name }) => name));
      return true;
    }
    rest = rest.filter(({ name }) => !bad.has(name));
  }
  return true;
}

/**
 * Makes upstreams of the registry's entries, several in each write. Does nothing for a while after a write
 * has failed as a whole. Phases that can sleep.
 */
export function create(memory: Memory, names: readonly string[]): void {
  if (is_resting(memory.making, clock.now())) return;
  let planned: Planned[] = [];
  let servers = 0;
  let count = names.length === 0 ? 0 : keys_of(memory.feed.subscriptions).length;
  const pause = new_pause();
  for (const name of names) {
    pause();
    const one = plan(memory, name, count);
    if (one !== undefined) {
      count += 1;
      servers += one.config.servers.length;
      planned.push(one);
    }
    if (planned.length >= UPSTREAMS_A_WRITE || servers >= SERVERS_A_WRITE) {
      if (!make(memory, planned)) return;
      planned = [];
      servers = 0;
    }
  }
  if (make(memory, planned)) end_trouble(memory.making);
}
