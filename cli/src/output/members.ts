import type { SplitMember } from "../model/answers";
import { table } from "./table";

/** Returns the members of a split as a table. */
export function membersText(members: SplitMember[]): string {
  return table(
    [
      { title: "MEMBER", value: ({ upstream }) => upstream },
      { title: "WEIGHT", value: ({ weight }) => weight },
      { title: "SHARE", value: ({ share_percent }) => `${share_percent}%` },
      { title: "STATE", value: ({ available }) => (available ? "available" : "no server available") },
    ],
    members,
  );
}
