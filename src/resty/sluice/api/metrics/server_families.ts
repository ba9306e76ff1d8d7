import { CODE_STEP, Counter, LAST_CODE } from "../../store/memory/counter_cells";
import { counters_of, shared_memory } from "../../store/memory/region";
import { add_times } from "../../store/memory/times";
import { CLASSES, Total } from "../../store/memory/totals";
import { columns, sample_name, type Column, type Family, type Head } from "./family";
import { time_family, type ReadTimes } from "./histograms";
import { STATES } from "../condition";
import { Value } from "./readings";
import type { Servers } from "./snapshot";

/** The families with samples of each server. */

const NAME = "sluice_upstream_server_";

/** Texts for the histograms of times. */
const SAMPLED = "Sampled: of a busy server, one response in eight stands for those since the one before it.";
export const HEADER_TIME = `Time until the header of a response. ${SAMPLED}`;
export const RESPONSE_TIME = `Time until the end of a response. ${SAMPLED}`;

/** Families with one counter of a server. */
const COUNTED: [head: Head, total: Total][] = [
  [{ name: `${NAME}requests`, type: "counter", help: "Requests sent to the server." }, Total.REQUESTS],
  [
    { name: `${NAME}sent_bytes`, type: "counter", unit: "bytes", help: "Bytes sent to the server." },
    Total.SENT,
  ],
  [
    {
      name: `${NAME}received_bytes`,
      type: "counter",
      unit: "bytes",
      help: "Bytes received from the server.",
    },
    Total.RECEIVED,
  ],
  [{ name: `${NAME}fails`, type: "counter", help: "Failed attempts at the server." }, Total.FAILS],
  [
    { name: `${NAME}unanswered`, type: "counter", help: "Failed attempts without a response of the server." },
    Total.UNANSWERED,
  ],
];

/** Families with one value of a server. */
const PLAIN: [head: Head, value: Value][] = [
  [{ name: `${NAME}active`, type: "gauge", help: "Requests under way at the server." }, Value.ACTIVE],
  [
    { name: `${NAME}max_conns`, type: "gauge", help: "Most requests under way; 0: no limit." },
    Value.MAX_CONNS,
  ],
  [{ name: `${NAME}checks`, type: "counter", help: "Active health checks of the server." }, Value.CHECKS],
  [{ name: `${NAME}check_fails`, type: "counter", help: "Failed health checks." }, Value.CHECK_FAILS],
  [
    { name: `${NAME}unhealthy`, type: "counter", help: "How often health checks made the server unhealthy." },
    Value.UNHEALTHY,
  ],
  [
    {
      name: `${NAME}unavail`,
      type: "counter",
      help: "How often failed requests made the server unavailable.",
    },
    Value.UNAVAIL,
  ],
  [
    { name: `${NAME}ejections`, type: "counter", help: "How often outlier detection ejected the server." },
    Value.EJECTIONS,
  ],
  [
    {
      name: `${NAME}downtime_seconds`,
      type: "counter",
      unit: "seconds",
      help: "Time for which health kept requests from the server.",
    },
    Value.DOWNTIME,
  ],
];

/** Returns the columns of responses by class. `totals`: by `Total`. */
export function class_columns(totals: readonly (readonly number[])[]): Column[] {
  const its_columns: Column[] = [];
  for (const index of $range(0, CLASSES - 1)) {
    its_columns.push({ labels: `,class="${index + 1}xx"`, values: totals[Total.FIRST_CLASS + index] });
  }
  return its_columns;
}

/** Returns a column for each state: 1 for the servers in it, else 0. */
function state_columns(states: readonly number[]): Column[] {
  const its_columns: Column[] = [];
  for (const [number, state] of ipairs(STATES)) {
    const values: number[] = [];
    for (const index of $range(0, states.length - 1)) values[index] = states[index] === number - 1 ? 1 : 0;
    its_columns.push({ labels: `,state="${state}"`, values });
  }
  return its_columns;
}

function effective_weights(values: readonly (readonly number[])[]): number[] {
  const weights: number[] = [];
  for (const index of $range(0, values[Value.LOAD].length - 1)) {
    weights[index] =
      values[Value.CONFIGURED_WEIGHT][index] * values[Value.SLOW_START][index] * values[Value.LOAD][index];
  }
  return weights;
}

/** The responses of each server by status code. */
function code_family({ labels, rows, incarnations }: Servers): Family {
  const head: Head = { name: `${NAME}response_codes`, type: "counter", help: "Responses by status code." };
  const start = `${sample_name(head)}{`;
  return {
    ...head,
    items: labels.length,
    step: 16,
    write: (out, first, last) => {
      const memory = shared_memory();
      for (const index of $range(first, last)) {
        const counts = new LuaTable<number, number>();
        for (const at of counters_of(rows[index], incarnations[index])) {
          for (const cell of $range(at + Counter.FIRST_CODE, at + LAST_CODE)) {
            const value = memory[cell];
            const code = value % CODE_STEP;
            if (value !== 0) counts.set(code, (counts.get(code) ?? 0) + (value - code) / CODE_STEP);
          }
        }
        for (const [code, count] of pairs(counts)) {
          out.put(start, labels[index], ',code="', code, '"} ', count, "\n");
        }
      }
    },
  };
}

/** Makes the families. `codes`: responses are shown by status code, too. */
export function server_families(servers: Servers, codes: boolean): Family[] {
  const { labels, values, totals, rows, incarnations } = servers;
  const read_times: ReadTimes = (times, index) => add_times(times, rows[index], incarnations[index]);
  const families: Family[] = [];
  const add = (head: Head, column: number[]) => {
    families.push(columns(head, labels, [{ labels: "", values: column }]));
  };
  for (const [head, total] of COUNTED) add(head, totals[total]);
  for (const [head, value] of PLAIN) add(head, values[value]);
  families.push(
    columns(
      { name: `${NAME}responses`, type: "counter", help: "Responses of the server by class." },
      labels,
      class_columns(totals),
    ),
  );
  if (codes) families.push(code_family(servers));
  families.push(
    columns(
      {
        name: `${NAME}state`,
        type: "gauge",
        help: "1 for the state that the server is in, 0 for the others.",
      },
      labels,
      state_columns(values[Value.STATE]),
    ),
    columns(
      { name: `${NAME}weight`, type: "gauge", help: "Effective weight: the product of its factors." },
      labels,
      [{ labels: "", values: effective_weights(values) }],
    ),
    columns(
      { name: `${NAME}weight_factor`, type: "gauge", help: "Factors of the effective weight." },
      labels,
      [
        { labels: ',factor="configured"', values: values[Value.CONFIGURED_WEIGHT] },
        { labels: ',factor="slow_start"', values: values[Value.SLOW_START] },
        { labels: ',factor="load"', values: values[Value.LOAD] },
      ],
    ),
    time_family({ name: `${NAME}header_time_seconds`, help: HEADER_TIME }, "header", labels, read_times),
    time_family(
      { name: `${NAME}response_time_seconds`, help: RESPONSE_TIME },
      "response",
      labels,
      read_times,
    ),
  );
  return families;
}
