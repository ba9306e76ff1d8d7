import * as clock from "../../lib/clock";
import { members_now } from "../split_members";
import { columns, type Family } from "./family";
import { further_label } from "./labels";
import type { Upstreams } from "./snapshot";

/** The families with samples of each member of each split. */

/** Makes the families of splits; none if there is no split. */
export function split_families({ names, heads, labels }: Upstreams, pause: (this: void) => void): Family[] {
  const member_labels: string[] = [];
  const weights: number[] = [];
  const shares: number[] = [];
  for (const index of $range(0, names.length - 1)) {
    const { split } = heads[index];
    if (split !== undefined) {
      for (const { upstream, weight, share } of members_now(names[index], split, clock.now())) {
        member_labels.push(labels[index] + further_label("member", upstream));
        weights.push(weight);
        shares.push(share);
      }
      pause();
    }
  }
  if (member_labels.length === 0) return [];
  return [
    columns(
      { name: "sluice_split_weight", type: "gauge", help: "Configured weight of a member of a split." },
      member_labels,
      [{ labels: "", values: weights }],
    ),
    columns(
      {
        name: "sluice_split_share_ratio",
        type: "gauge",
        help: "Share of a member in the requests of a split, from 0 to 1; 0 while it has no available server.",
      },
      member_labels,
      [{ labels: "", values: shares }],
    ),
  ];
}
