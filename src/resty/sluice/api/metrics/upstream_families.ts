import type { Document } from "../../store/document/document";
import { type RowNumber, UpstreamRow } from "../../store/memory/cells";
import { add_departed_times } from "../../store/memory/departed";
import { begun_at, row_at, shared_memory, stamp_of, sum_of_slots } from "../../store/memory/region";
import { upstream_status, type UpstreamStatus } from "../../store/memory/statistics";
import { add_times, clear_times, type Times } from "../../store/memory/times";
import { ignores_health, STATES, UNAVAIL } from "../condition";
import { ABSENT, columns, type Column, type Family, type Head } from "./family";
import type { ReadTimes } from "./histograms";
import { read_consistently, type Snapshot, type Upstreams } from "./snapshot";
import { time_families, traffic_families } from "./traffic_families";
import { zone_families } from "./zone_families";

/** The families with samples of each upstream. */

const NAME = "sluice_upstream_";
const SERVERS_A_STEP = 64;

/** The state of an upstream itself. */
interface Facts {
  head: Document;
  status: UpstreamStatus;
}

/** Returns a value of an upstream; `ABSENT`: it has none. */
type Read = (this: void, facts: Facts) => number;

const when = (is_there: boolean, value: number) => (is_there ? value : ABSENT);

function cell_of({ row }: Document, cell: UpstreamRow): number {
  return shared_memory()[row_at(row) + cell];
}

/** Families with samples of the upstreams that have the feature. */
const OWN: [head: Head, its_columns: [labels: string, read: Read][]][] = [
  [
    { name: `${NAME}retries`, type: "counter", help: "Attempts after the first one of a request." },
    [["", ({ status }) => status.retries]],
  ],
  [
    { name: `${NAME}retries_active`, type: "gauge", help: "Retries under way." },
    [["", ({ head }) => sum_of_slots(begun_at(head.row))]],
  ],
  [
    { name: `${NAME}retries_denied`, type: "counter", help: "Requests without a retry for lack of budget." },
    [["", ({ status }) => status.denied_retries]],
  ],
  [
    { name: `${NAME}queue_length`, type: "gauge", help: "Requests that wait in the queue." },
    [["", ({ head, status }) => when(head.queue !== undefined, status.waiting)]],
  ],
  [
    { name: `${NAME}queue_max_length`, type: "gauge", help: "Most requests that may wait in the queue." },
    [["", ({ head }) => head.queue?.size ?? ABSENT]],
  ],
  [
    { name: `${NAME}queue_waits`, type: "counter", help: "Requests that have waited in the queue." },
    [["", ({ head, status }) => when(head.queue !== undefined, status.waits)]],
  ],
  [
    { name: `${NAME}queue_overflows`, type: "counter", help: "Requests that found the queue full." },
    [["", ({ head, status }) => when(head.queue !== undefined, status.overflows)]],
  ],
  [
    {
      name: `${NAME}picks_without_key`,
      type: "counter",
      help: "Requests without a key for the method hash.",
    },
    [["", ({ head, status }) => when(head.method === "hash", status.without_key)]],
  ],
  [
    {
      name: `${NAME}hot_requests`,
      type: "gauge",
      help: "Requests in flight, for a weight of 1, above which least_load counts a server as hot.",
    },
    [["", ({ head }) => when(head.method === "least_load", cell_of(head, UpstreamRow.HOT_FROM))]],
  ],
  [
    { name: `${NAME}autoscale_decisions`, type: "counter", help: "Decisions of autoscale by this gateway." },
    [
      [
        ',decision="scale_out"',
        ({ head }) => when(head.autoscale !== undefined, cell_of(head, UpstreamRow.SCALE_OUTS)),
      ],
      [
        ',decision="scale_in"',
        ({ head }) => when(head.autoscale !== undefined, cell_of(head, UpstreamRow.SCALE_INS)),
      ],
    ],
  ],
];

function panics({ heads, sizes, in_rotation, unavailable, states }: Upstreams, index: number): boolean {
  const threshold = heads[index].panic_threshold ?? 0;
  return ignores_health(
    threshold,
    sizes[index],
    in_rotation[index],
    unavailable[index],
    states[UNAVAIL][index],
  );
}

function panic_values(upstreams: Upstreams): number[] {
  const values: number[] = [];
  for (const index of $range(0, upstreams.names.length - 1)) values[index] = panics(upstreams, index) ? 1 : 0;
  return values;
}

function state_columns({ states }: Upstreams): Column[] {
  const its_columns: Column[] = [];
  for (const [number, state] of ipairs(STATES)) {
    its_columns.push({ labels: `,state="${state}"`, values: states[number - 1] });
  }
  return its_columns;
}

/** Makes the families of `OWN`. Their values are read by upstream, because `upstream_status` has several. */
function own_families({ heads, labels }: Upstreams, pause: (this: void) => void): Family[] {
  const families: Family[] = [];
  const wanted: { read: Read; values: number[] }[] = [];
  for (const [head, its_columns] of OWN) {
    const family_columns: Column[] = [];
    for (const [its_labels, read] of its_columns) {
      const values: number[] = [];
      wanted.push({ read, values });
      family_columns.push({ labels: its_labels, values });
    }
    families.push(columns(head, labels, family_columns));
  }
  for (const index of $range(0, heads.length - 1)) {
    const facts = { head: heads[index], status: upstream_status(heads[index].row) };
    for (const { read, values } of wanted) values[index] = read(facts);
    pause();
  }
  return families;
}

/** Adds the histograms of a server, unless it has left its row. */
function add_present_times(times: Times, row: RowNumber, incarnation: number): void {
  if (stamp_of(row) === incarnation) add_times(times, row, incarnation);
}

/**
 * Returns a function that reads the sums of the histograms of an upstream's servers. Each upstream has them,
 * so that its first responses are an increase from 0.
 */
function times_of_upstreams({ servers, upstreams }: Snapshot): ReadTimes {
  const { heads, first_servers, end_servers } = upstreams;
  return (times, index, pause) => {
    const { row, leavers } = heads[index];
    return read_consistently(row, () => {
      clear_times(times);
      add_departed_times(times, row);
      for (const server of $range(first_servers[index], end_servers[index] - 1)) {
        add_present_times(times, servers.rows[server], servers.incarnations[server]);
        if (server % SERVERS_A_STEP === 0) pause();
      }
      for (const leaver of leavers) add_present_times(times, leaver.row, leaver.incarnation);
      return true;
    });
  };
}

/** Makes the families. Phases that can sleep. */
export function upstream_families(snapshot: Snapshot, pause: (this: void) => void): Family[] {
  const { upstreams } = snapshot;
  const { labels, totals, active } = upstreams;
  const read_times = times_of_upstreams(snapshot);
  const families: Family[] = [
    columns(
      { name: `${NAME}servers`, type: "gauge", help: "Servers by state." },
      labels,
      state_columns(upstreams),
    ),
  ];
  const panicking = panic_values(upstreams);
  const noun = "the upstream's servers";
  for (const family of traffic_families({ prefix: NAME, noun, labels, totals, active }))
    families.push(family);
  families.push(
    columns(
      {
        name: `${NAME}panic`,
        type: "gauge",
        help: "1 while the health of its servers is ignored because too few are available.",
      },
      labels,
      [{ labels: "", values: panicking }],
    ),
  );
  const { heads, zones } = upstreams;
  for (const family of zone_families(heads, labels, zones, panicking)) families.push(family);
  for (const family of own_families(upstreams, pause)) families.push(family);
  for (const family of time_families(NAME, labels, read_times)) families.push(family);
  return families;
}
