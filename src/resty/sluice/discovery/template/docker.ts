import type { DockerTemplateConfig } from "../../config/sources/docker";
import { new_pause } from "../../lib/pause";
import type { Container } from "../../net/docker/engine";
import { follow_engine } from "../docker_engine";
import { entries_by_upstream } from "../docker_labels";
import { is_settled, keep_up, take_all, type Groups } from "./answer";
import type { Memory } from "./memory";
import { unfit_name } from "./names";

/** Docker as the registry of a template: the labels of containers name the upstreams. */

function apply(memory: Memory, containers: readonly Container[]): void {
  const { network } = memory.template.docker as DockerTemplateConfig;
  const groups: Groups = new LuaTable();
  const misplaced = new LuaTable<string, string>();
  const pause = new_pause();
  for (const [name, entries] of pairs(entries_by_upstream(containers, network, pause))) {
    const unfit = unfit_name(name);
    if (unfit === undefined) groups.set(name, entries);
    else misplaced.set(name, unfit);
    pause();
  }
  take_all(memory, groups, misplaced, "");
}

/** Follows the containers whose labels name upstreams. */
export function docker(this: void, memory: Memory): string | undefined {
  return follow_engine(memory.template.docker as DockerTemplateConfig, {
    feed: memory.feed,
    apply: (containers) => {
      apply(memory, containers);
    },
    is_outdated: () => {
      keep_up(memory);
      return false;
    },
    is_settled: () => is_settled(memory),
  });
}
