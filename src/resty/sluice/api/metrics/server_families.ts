import { CODE_STEP, CODES } from "../../store/memory/counter_cells";
import { code_cell, counters_of, shared_memory } from "../../store/memory/region";
import { add_times } from "../../store/memory/times";
import { STATES } from "../condition";
import { columns, sample_name, type Column, type Family, type Head } from "./family";
import type { ReadTimes } from "./histograms";
import { Value } from "./readings";
import type { Servers } from "./snapshot";
import { time_families, traffic_families } from "./traffic_families";

/** The families with samples of each server. */

const NAME = "sluice_upstream_server_";

/** Families with one value of a server. */
const PLAIN: [head: Head, value: Value][] = [
  [
    { name: `${NAME}max_conns`, type: "gauge", help: "Most requests under way; 0: no limit." },
    Value.MAX_CONNS,
  ],
  [
    {
      name: `${NAME}adaptive_limit`,
      type: "gauge",
      help: "Present limit of requests under way of a server with an adaptive limit.",
    },
    Value.ADAPTIVE_LIMIT,
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
      name: `${NAME}outlier`,
      type: "gauge",
      help: "1 while outlier detection finds the server's error rate or latency anomalous.",
    },
    Value.OUTLIER,
  ],
  [
    {
      name: `${NAME}outliers`,
      type: "counter",
      help: "How often outlier detection found an anomaly, or an ejection that it only reports.",
    },
    Value.OUTLIERS,
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
  [
    {
      name: `${NAME}requests_elsewhere`,
      type: "gauge",
      help: "Requests of others at the server that least_load counts.",
    },
    Value.ELSEWHERE,
  ],
  [
    {
      name: `${NAME}expected_seconds`,
      type: "gauge",
      unit: "seconds",
      help: "Time that least_load expects one more request to take.",
    },
    Value.EXPECTED,
  ],
  [
    {
      name: `${NAME}load_report_age_seconds`,
      type: "gauge",
      unit: "seconds",
      help: "Time since the last report of the load for least_load.",
    },
    Value.REPORT_AGE,
  ],
];

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
      values[Value.CONFIGURED_WEIGHT][index] *
      values[Value.SLOW_START][index] *
      values[Value.LOAD][index] *
      values[Value.OUTLIER_PART][index];
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
          for (const number of $range(0, CODES - 1)) {
            const value = memory[code_cell(at, number)];
            if (value === 0) break;
            const code = value % CODE_STEP;
            counts.set(code, (counts.get(code) ?? 0) + (value - code) / CODE_STEP);
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
  const active = values[Value.ACTIVE];
  const families = traffic_families({ prefix: NAME, noun: "the server", labels, totals, active });
  for (const [head, value] of PLAIN)
    families.push(columns(head, labels, [{ labels: "", values: values[value] }]));
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
        { labels: ',factor="outlier"', values: values[Value.OUTLIER_PART] },
      ],
    ),
  );
  for (const family of time_families(NAME, labels, read_times)) families.push(family);
  return families;
}
