import type { RowNumber } from "./cells";

/** What a change does to its upstream. */
export const enum ChangeKind {
  CREATED,
  CHANGED,
  DELETED,
}

/** Numbers of an upstream's servers. */
export interface Counts {
  added: number;
  removed: number;
  changed: number;
}

/** What a revision does to an upstream. */
export interface UpstreamChange {
  name: string;
  row: RowNumber;
  kind: ChangeKind;
  counts: Counts;
}
