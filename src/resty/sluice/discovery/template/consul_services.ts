import type { ConsulTemplateConfig } from "../../config/sources/consul";
import { decode, is_table } from "../../lib/json";
import type { Result } from "../../lib/result";
import { unexpected } from "../../lib/schema";
import { internal_error } from "../../lib/run";
import type { Answer } from "../../net/request";
import { describe } from "../../net/stream";
import { ask_consul, CONSUL, index_of, type ConsulClient, type ConsulQuestion } from "../blocking_query";
import { instances_of, type Asked } from "../consul";
import type { Entry } from "../source";

/** Reads the services of a Consul, and their instances. */

/** What instances a template wants. */
type Wanted = Pick<ConsulTemplateConfig, "tag" | "filter" | "zone_meta">;

/** The services with a tag. */
export interface Services {
  names: string[];
  index: number;
}

/** The question for the list of services. */
export const SERVICES: ConsulQuestion = { path: "/v1/catalog/services", args: [] };

function has_tag(tags: unknown, wanted: string): boolean {
  for (const tag of is_table(tags) ? (tags as unknown as unknown[]) : []) {
    if (tag === wanted) return true;
  }
  return false;
}

/** Reads the list of services. Returns those with a tag, or undefined and the cause of a failure. */
export function read_services(answer: Answer, tag: string): Result<Services> {
  const { status, body } = answer;
  if (status !== 200) return $multi(undefined, describe(status, body));
  const [services, cause] = decode(body);
  if (!is_table(services)) return $multi(undefined, unexpected(CONSUL, cause ?? "it is not an object"));
  const names: string[] = [];
  for (const [name, tags] of pairs(services)) {
    if (typeof name !== "string") return $multi(undefined, unexpected(CONSUL, "it is not an object"));
    if (has_tag(tags, tag)) names.push(name);
  }
  return $multi({ names, index: index_of(answer) }, undefined);
}

function ask_for_instances(
  client: ConsulClient,
  { tag, filter, zone_meta }: Wanted,
  service: string,
): Result<Entry[]> {
  const question = instances_of({ service, tags: [tag], filter, zone_meta } as Asked);
  const [answer, cause] = ask_consul(client, question, 0);
  if (answer === undefined) return $multi(undefined, cause);
  return question.read(answer);
}

/**
 * Asks for the passing instances of some services at the same time. Puts them into `groups`, or the causes of
 * failures into `failed`. Phases that have light threads.
 */
export function ask_services(
  client: ConsulClient,
  wanted: Wanted,
  names: readonly string[],
  groups: LuaTable<string, Entry[] | undefined>,
  failed: LuaTable<string, string | undefined>,
): void {
  const threads: LightThread[] = [];
  for (const name of names) {
    const ask = () => {
      const [entries, cause] = ask_for_instances(client, wanted, name);
      if (entries === undefined) failed.set(name, cause ?? "");
      else groups.set(name, entries);
    };
    const thread = ngx.thread.spawn(() => {
      failed.delete(name);
      const [returned, raised] = pcall(ask);
      if (!returned) failed.set(name, internal_error(raised));
    });
    threads.push(thread);
  }
  for (const thread of threads) ngx.thread.wait(thread);
}
