import * as clock from "../../lib/clock";
import { encode } from "../../lib/json";
import { new_pause } from "../../lib/pause";
import { keys_of, smallest } from "../../lib/tables";
import { shortened } from "../../lib/text";
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

/** Longest entry and reason in a report, in bytes. */
const LONGEST_TEXT = 200;
/** A report of more skipped entries than this is made once a second at most. */
const MANY_SKIPPED = 1000;
const INTERVAL_SECONDS = 1;

/** Returns the first entries that are skipped, by name. */
function skipped_entries({ misplaced, refusals }: Memory, names: readonly string[]): SkippedEntry[] {
  return smallest(names, MOST_SHOWN, new_pause()).map((entry) => {
    const reason = refusals.get(entry)?.reason ?? misplaced.get(entry) ?? "";
    return { entry: shortened(entry, LONGEST_TEXT), reason: shortened(reason, LONGEST_TEXT) };
  });
}

function pending_object({ gone, verdict, guard }: Memory): object | undefined {
  const names = keys_of(gone).filter((name) => gone.get(name)?.refusal === undefined);
  if (names.length === 0) return undefined;
  let confirmations = guard.equal;
  for (const name of names) confirmations = math.max(confirmations, gone.get(name)?.equal ?? 0);
  const upstreams = smallest(names, MOST_SHOWN, new_pause());
  return { reason: REASONS[verdict], count: names.length, confirmations, upstreams };
}

/** Publishes the state of the template after an answer. Phases that can sleep. */
export function report_template(memory: Memory): void {
  const { feed, revision, refusals, misplaced } = memory;
  const now = clock.now();
  memory.is_outdated = memory.skipped > MANY_SKIPPED && now < memory.reported + INTERVAL_SECONDS;
  if (memory.is_outdated) return;
  const skipped = keys_of(refusals).concat(keys_of(misplaced));
  memory.skipped = skipped.length;
  const error = memory.making.error ?? memory.deleting.error;
  const text = encode({
    error: error === undefined ? undefined : shortened(error, LONGEST_TEXT),
    revision: revision === "" ? undefined : revision,
    upstreams: keys_of(feed.subscriptions).length,
    skipped: skipped_entries(memory, skipped),
    skipped_count: skipped.length,
    pending: pending_object(memory),
  });
  memory.reported = clock.now();
  if (text === memory.report) return;
  memory.report = text;
  put_template_report(text);
}
