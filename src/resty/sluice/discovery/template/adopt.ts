import { is_made } from "../../config/discovery";
import { source_in } from "../../config/upstream_template";
import * as clock from "../../lib/clock";
import { new_pause } from "../../lib/pause";
import { copy } from "../../store/document/edit";
import { DISCOVERY } from "../../store/history/author";
import { is_over } from "../../store/memory/generation";
import { write } from "../../store/write";
import type { Subscription } from "../source";
import type { Memory } from "./memory";
import { note_trouble } from "./trouble";

/** Takes over the upstreams that an earlier registry has made and that the current one has as well. */

/** Tells whether another registry has made an upstream. */
export function is_of_other_registry({ template }: Memory, { config }: Subscription): boolean {
  return (config as { source: string }).source !== source_in(template);
}

/**
 * Writes the current registry into upstreams, each once: a gateway that still has the earlier one in its
 * `setup` may write that again. Phases that can sleep.
 */
export function adopt(memory: Memory, names: readonly string[]): void {
  const { adopted, template } = memory;
  const source = source_in(template);
  const pause = new_pause();
  for (const name of names) {
    if (!adopted.has(name) && !is_over()) {
      adopted.add(name);
      const [, problem] = write(name, DISCOVERY, (current) => {
        const { discovery } = current ?? {};
        if (current === undefined || discovery === undefined || !is_made(discovery))
          return $multi(current, undefined);
        const next = copy(current);
        next.discovery = { ...discovery, template: { source } };
        return $multi(next, undefined);
      });
      if (problem !== undefined) {
        adopted.delete(name);
        note_trouble(memory.making, `could not take over upstream ${name}: ${problem.text}`, clock.now());
        return;
      }
      pause();
    }
  }
}
