import { read_upstream } from "../../../../src/resty/sluice/config/upstream";
import { settings_of } from "../../../../src/resty/sluice/config/settings";
import { SERVER_DEFAULTS } from "../../../../src/resty/sluice/config/server";
import { change_text, deletion_text } from "../../../../src/resty/sluice/store/disk/journal";
import { difference } from "../../../../src/resty/sluice/store/document/difference";
import type { Document } from "../../../../src/resty/sluice/store/document/document";
import { format_line } from "../../../../src/resty/sluice/store/document/line";
import {
  may_be_of,
  read_summary,
  read_upstream_line,
  summary_line,
  upstream_line,
} from "../../../../src/resty/sluice/store/history/lines";
import {
  present,
  servers_to_restore,
  undo,
  type Past,
} from "../../../../src/resty/sluice/store/history/past";
import type { RowNumber } from "../../../../src/resty/sluice/store/memory/cells";
import { expect } from "../../support/expect";

const NAME = "app";

/** Returns a version of the upstream: the weights of its servers by id. */
function version(revision: number, method: string, weights: Record<number, number>): Document {
  const [config] = read_upstream({ method });
  if (config === undefined) return error("no upstream", 0);
  const lines: string[] = [];
  for (const id of $range(0, 9)) {
    const weight = weights[id];
    const server = `10.0.0.${id}:80`;
    if (weight !== undefined)
      lines.push(
        format_line({ ...SERVER_DEFAULTS, server, weight, id, incarnation: 1, row: (id + 1) as RowNumber }),
      );
  }
  return { ...settings_of(config), next_id: 10, revision, row: 1 as RowNumber, leavers: [], lines };
}

/** Returns the line of the history about the change from one version to another. */
function line_between(before: Document | undefined, after: Document | undefined, revision: number): string {
  const { added, removed } = difference(before?.lines ?? [], after?.lines ?? []);
  const now =
    after === undefined ? deletion_text(NAME, revision, false) : change_text(NAME, after, { added, removed });
  const was =
    before === undefined
      ? deletion_text(NAME, revision, false)
      : change_text(NAME, before, { added: removed, removed: added });
  return string.sub(upstream_line(0, now, was), 1, -2);
}

function weights_of(past: Past): Record<number, number> {
  const weights: Record<number, number> = {};
  for (const { id, weight } of servers_to_restore(past, false)) weights[id] = weight;
  return weights;
}

describe("the history of an upstream", () => {
  it("leads back over changes, a deletion and a creation", () => {
    const versions: Record<number, Document | undefined> = {
      1: version(1, "round_robin", { 0: 1, 1: 2 }),
      2: version(2, "random", { 0: 1, 1: 3, 2: 1 }),
      3: version(3, "random", { 1: 3 }),
      5: version(5, "least_conn", { 4: 1 }),
    };
    const past = present(versions[5]);
    for (const revision of $range(5, 1, -1)) {
      const before = versions[revision - 1];
      const [change] = read_upstream_line(line_between(before, versions[revision], revision));
      undo(past, change ?? error("unreadable", 0));
      const expected = present(before);
      expect(past.settings?.method).equal(expected.settings?.method);
      expect(weights_of(past)).same(weights_of(expected));
    }
  });
});

describe("a line of the history", () => {
  const summary = { revision: 7, time: "2026-11-30T10:00:00.000Z", author: "root", bytes: 12, changes: 3 };

  it("is refused when a byte of it has changed", () => {
    const line = string.sub(summary_line({ ...summary, comment: "why" }), 1, -2);
    expect(read_summary(line)[0]).same({ ...summary, comment: "why" });
    for (const position of $range(1, line.length)) {
      const changed = `${string.sub(line, 1, position - 1)}~${string.sub(line, position + 1)}`;
      expect(read_summary(changed)[0]).equal(undefined);
    }
  });

  it("is refused when it has another content", () => {
    expect(read_summary(string.sub(summary_line({ ...summary, time: "today" }), 1, -2))[0]).equal(undefined);
    const line = line_between(undefined, version(1, "random", {}), 1);
    expect(read_summary(line)[0]).equal(undefined);
    expect(read_upstream_line(string.sub(summary_line(summary), 1, -2))[0]).equal(undefined);
  });

  it("is skipped without decoding it when it is about another upstream", () => {
    const line = line_between(undefined, version(1, "random", {}), 1);
    expect(may_be_of(line, NAME)).equal(true);
    expect(may_be_of(line, "ap")).equal(false);
  });
});
