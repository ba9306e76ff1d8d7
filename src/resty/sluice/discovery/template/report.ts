import { encode } from "../../lib/json";
import { keys_of } from "../../lib/tables";
import { put_template_report, type SkippedEntry } from "../../store/source_status";
import { MOST_SHOWN } from "../status";
import type { Memory } from "./memory";

/** The status of the template, which the API shows. */

const REASONS = {
  removes: "the registry has no entries of these upstreams any more, and they wait for equal answers",
  waits:
    "the answer would delete more than max_removal_percent of the upstreams, and waits for equal answers",
  empty: "the answer would delete all upstreams, so they are kept",
};

/** Returns the first entries that are skipped, by name. */
function skipped_entries({ misplaced, refusals }: Memory, names: string[]): SkippedEntry[] {
  table.sort(names);
  return names.slice(0, MOST_SHOWN).map((entry) => {
    const reason = refusals.get(entry)?.reason ?? misplaced.get(entry);
    return { entry, reason };
  });
}

function pending_object({ gone, verdict, guard }: Memory): object | undefined {
  const names = keys_of(gone).filter((name) => gone.get(name)?.refusal === undefined);
  if (names.length === 0) return undefined;
  table.sort(names);
  let confirmations = guard.equal;
  for (const name of names) confirmations = math.max(confirmations, gone.get(name)?.equal ?? 0);
  const upstreams = names.slice(0, MOST_SHOWN);
  return { reason: REASONS[verdict], count: names.length, confirmations, upstreams };
}

/** Publishes the state of the template after an answer. */
export function report_template(memory: Memory): void {
  const { feed, error, revision, refusals, misplaced } = memory;
  const skipped = keys_of(refusals).concat(keys_of(misplaced));
  const text = encode({
    error,
    revision: revision === "" ? undefined : revision,
    upstreams: keys_of(feed.subscriptions).length,
    skipped: skipped_entries(memory, skipped),
    skipped_count: skipped.length,
    pending: pending_object(memory),
  });
  if (text === memory.report) return;
  memory.report = text;
  put_template_report(text);
}
