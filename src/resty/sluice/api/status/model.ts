import type { SplitConfig } from "../../config/split";
import type { StoredHost } from "../../store/document/host";
import type { Cell, RowNumber } from "../../store/memory/cells";
import { Condition, type Plan } from "../condition";
import type { Shown } from "./shown";

/** The records that a worker keeps to show the status of upstreams. */

/** What a worker knows of an upstream. */
export interface KnownUpstream {
  name: string;
  revision: number;
  /** The number of its row, and the first cell of that row. */
  row_number: RowNumber;
  row: Cell;
  /** The beginning of its summary as JSON: the members that only its configuration determines. */
  start: string;
  /** Its servers, in the order in which they were added. */
  ids: number[];
  rows: RowNumber[];
  incarnations: number[];
  plans: Plan[];
  /** The number of its servers that are no standby servers out of service. */
  size: number;
  panic_threshold: number;
  /** The size of its queue; undefined: it has none. */
  queue_size: number | undefined;
  has_source: boolean;
  hosts: readonly StoredHost[];
  /** Its members, if it is a split. */
  split: SplitConfig | undefined;
  /** The sums at the last look, whether its summary could pass, and that summary. */
  sums: Sums;
  is_restless: boolean;
  shown: Shown;
}

/** The sums of an upstream, by `Sum`. */
export type Sums = number[];

export const enum Sum {
  ACTIVE,
  REQUESTS,
  FAILS,
  WAITING,
  OVERFLOWS,
  /** The responses whose times are known. */
  TIMED,
  /** Responses from 1xx to 5xx. */
  FIRST_CLASS,
  /** Servers by `Condition`. */
  FIRST_CONDITION = FIRST_CLASS + 5,
  /** Servers in rotation, and those of them that health keeps from requests. */
  IN_ROTATION = FIRST_CONDITION + Condition.UP + 1,
  UNAVAILABLE,
  HEALTH_REVISION,
  UNLOGGED,
  UNPROVEN_SINCE,
  OLD_PLACES,
  /** The index of the first server that is worst, and its `Condition`. */
  WORST,
  WORST_CONDITION,
  COUNT,
}
