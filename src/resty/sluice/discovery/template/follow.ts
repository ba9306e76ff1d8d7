import type { TemplateSourceName } from "../../config/sources/template";
import { source_in } from "../../config/upstream_template";
import type { Feed, Source } from "../source";
import { consul } from "./consul";
import { TEMPLATE_FEED } from "./current";
import { docker } from "./docker";
import { etcd } from "./etcd";
import { memory_of, type Memory } from "./memory";

/** A registry that feeds many upstreams. */

/**
 * Follows the registry of a template as `Source.follow` does, with `take_all` and `take_some` in place of
 * `answer`, and with `keep_up` several times a second.
 */
export type FollowTemplate = (this: void, memory: Memory) => string | undefined;

const FOLLOW: Record<TemplateSourceName, FollowTemplate> = { etcd, consul, docker };

/** Upstreams that outlive their template keep their servers. */
const NO_TEMPLATE = "setup() has no registry in discovery any more, so the servers stay as they are";

function follow(this: void, feed: Feed): string | undefined {
  const memory = memory_of(feed);
  return memory === undefined ? NO_TEMPLATE : FOLLOW[source_in(memory.template)](memory);
}

/** Follows the registry in the `discovery` of `setup` for all upstreams that it has made. */
export const template: Source = { key_of: () => TEMPLATE_FEED, follow };
