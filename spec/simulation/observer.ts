import type * as Journal from "../../src/resty/sluice/store/disk/journal";
import type * as Difference from "../../src/resty/sluice/store/document/difference";
import type * as Documents from "../../src/resty/sluice/store/document/document";
import type * as Line from "../../src/resty/sluice/store/document/line";
import { Row, type RowNumber } from "../../src/resty/sluice/store/memory/cells";
import { Header } from "../../src/resty/sluice/store/memory/header_cells";
import type * as Dict from "../../src/resty/sluice/store/memory/dict";
import type * as Region from "../../src/resty/sluice/store/memory/region";
import { fork_memory, new_spare_worker, type Gateway } from "./gateway";
import type { Staged } from "./world/dict";
import { outside } from "./world/process";

/** Looks at the state that the workers of a gateway share, at any moment. */

/** The upstreams at a revision: what the journal would hold of each, without memory addresses. */
export type State = LuaTable<string, string>;

export interface Observer {
  revision: (this: void) => number;
  /** Returns whether a write is being journalled and published. */
  is_writing: (this: void) => boolean;
  state: (this: void) => State;
  /** Returns a state after the change of a group that makes a revision; undefined: there is none. */
  state_after: (this: void, state: State, made: number) => State | undefined;
  /** Returns the number of rows that are neither free nor those of an upstream. */
  lost_rows: (this: void) => number;
  /** Returns the revision of an upstream; 0: it does not exist. */
  revision_of: (this: void, name: string) => number;
}

/** Makes an observer of the nginx that runs now, once it has mapped its memory. */
export function new_observer(gateway: Gateway): Observer {
  return outside(() => {
    const spare = new_spare_worker(gateway);
    fork_memory(gateway, spare);
    const { load } = spare;
    const { row_at, shared_memory } = load("store/memory/region") as typeof Region;
    const { get_names, get_text } = load("store/memory/dict") as typeof Dict;
    const { parse_document } = load("store/document/document") as typeof Documents;
    const { numbers_in } = load("store/document/line") as typeof Line;
    const { difference } = load("store/document/difference") as typeof Difference;
    const { change_text } = load("store/disk/journal") as typeof Journal;
    const known = new LuaTable<string, { text: string; saved: string }>();

    function saved_text(name: string, text: string): string {
      const before = known.get(name) as { text: string; saved: string } | undefined;
      if (before?.text === text) return before.saved;
      const document = parse_document(text);
      const saved = change_text(name, document, difference([], document.lines));
      known.set(name, { text, saved });
      return saved;
    }

    function count_lost_rows(): number {
      const memory = shared_memory();
      const in_use = new LuaSet<number>();
      for (const name of get_names()) {
        const { row, leavers, lines } = parse_document(get_text(name) ?? "");
        in_use.add(row);
        for (const leaver of leavers) in_use.add(leaver.row);
        for (const line of lines) in_use.add(numbers_in(line)[2]);
      }
      let row = memory[Header.FREE_ROW] as RowNumber;
      while (row !== 0) {
        in_use.add(row);
        row = memory[row_at(row) + Row.NEXT_FREE] as RowNumber;
      }
      let lost = 0;
      for (const number of $range(1, memory[Header.NEXT_ROW] - 1)) if (!in_use.has(number)) lost += 1;
      return lost;
    }

    return {
      revision: () => shared_memory()[Header.REVISION],
      is_writing: () => shared_memory()[Header.WRITING] !== 0,
      state: () =>
        outside(() => {
          const state: State = new LuaTable();
          for (const name of get_names()) {
            const text = get_text(name);
            if (text !== undefined) state.set(name, saved_text(name, text));
          }
          return state;
        }),
      state_after: (state, made) =>
        outside(() => {
          const staged = gateway.staged.get(made) as Staged | undefined;
          if (staged === undefined) return undefined;
          const after: State = new LuaTable();
          for (const [name, text] of pairs(state)) after.set(name, text);
          after.set(staged.name, saved_text(staged.name, staged.text));
          return after;
        }),
      lost_rows: () => outside(count_lost_rows),
      revision_of: (name) =>
        outside(() => {
          const text = get_text(name);
          return text === undefined ? 0 : parse_document(text).revision;
        }),
    };
  });
}
