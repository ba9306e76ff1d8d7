/** @typedef {import("./row.mjs").Row} Row */
/** @typedef {import("./writes.mjs").WriteRow} WriteRow */
/** @typedef {import("./changes.mjs").ChangeRow} ChangeRow */
/** @typedef {import("./discovery.mjs").DiscoveryRow} DiscoveryRow */

/** Upper bound on the ratio of a write among many upstreams to a write among few. */
const WRITE_BUDGET = 1.5;
/** CPU time of a worker for following one change among many servers, in microseconds. */
const CHANGE_BUDGET = 1000;
/** CPU time of a change of 1,000 upstreams of 10 servers, in milliseconds. */
const BULK_BUDGET = 1500;
/** The longest time of another request of the same worker meanwhile, in milliseconds. */
const BULK_DELAY_BUDGET = 20;
/** A pick among 2,000 busy servers, in nanoseconds. */
const PICK_BUDGET = 1000;
/** Percent of such picks that may be more than one request above the least. */
const FAR_BUDGET = 2;
/** CPU time of active health checks, in percent of one core. */
const PROBE_BUDGET = 10;
/** CPU time of an observer, such as the histograms of times, as a ratio to nginx's own request. */
const OBSERVER_BUDGET = 0.01;
/** CPU time that zones or a split add to a request, as a ratio to nginx's own request. */
const ADDED_BUDGET = 0.02;
/** Time from a change in a registry to the first request that follows it, in milliseconds. */
const DISCOVERY_BUDGET = 50;
/** CPU time of a scrape of 10,000 servers, in seconds. */
const SCRAPE_BUDGET = 0.5;
/** Seconds until the dashboard shows 10,000 upstreams, and percent of a worker that an open page takes. */
const OPENING_BUDGET = 2;
const OPEN_PAGE_BUDGET = 1;
/** CPU time of an answer with the changes of 10,000 upstreams without traffic, in milliseconds. */
const STATUS_BUDGET = 50;
/** CPU time of 64 clients of the event stream while nothing happens, in percent of one core. */
const STREAM_BUDGET = 1;
/** Time until a client of the event stream has a message, in milliseconds. */
const MESSAGE_BUDGET = 100;
/** CPU time of one update of the weights of 1,000 servers, in microseconds. */
const UPDATE_BUDGET = 2000;

/**
 * @typedef {object} Verdict
 * @property {string} what
 * @property {number} value a ratio, a time or a percentage, as `what` says
 * @property {number} budget
 * @property {boolean} met
 */

/**
 * @param {string} what
 * @param {number} value
 * @param {number} budget
 * @returns {Verdict}
 */
export function judge(what, value, budget) {
  return { what, value, budget, met: value <= budget };
}

/**
 * Whether a value of the simulation is within its bound.
 * @param {import("./control/control.mjs").Measure} measure
 */
export function isWithin({ value, bound, isLeast }) {
  return isLeast ? value >= bound : value <= bound;
}

/** @param {Row[]} rows */
export function judgeRequests(rows) {
  return rows.flatMap(({ part, label, servers, ratio, budget }) =>
    budget === undefined ? [] : [judge(`${part}: ${label}, ${servers} servers`, ratio.median, budget)],
  );
}

/** Compares each row with zones with the same one without. @param {Row[]} rows */
export function judgeZones(rows) {
  return rows.flatMap(({ label, ratio }) => {
    const without = rows.find((row) => `${row.label}, zones` === label);
    if (without === undefined) return [];
    const more = ratio.median - without.ratio.median;
    return [judge(`${label}, more than without zones, ratio`, more, ADDED_BUDGET)];
  });
}

/** Compares each split with round robin among the same servers. @param {Row[]} rows */
export function judgeSplits(rows) {
  const without = rows.find(({ label }) => label === "sluice round_robin");
  return rows
    .filter(({ label }) => label.startsWith("sluice split"))
    .map(({ label, ratio }) => {
      const more = ratio.median - (without?.ratio.median ?? NaN);
      return judge(`${label}, more than round_robin, ratio`, more, ADDED_BUDGET);
    });
}

/** @param {ChangeRow[]} rows */
export function judgeChanges(rows) {
  return rows.map(({ label, method, cost }) =>
    judge(`one change live, ${label}, ${method}, µs`, cost.median, CHANGE_BUDGET),
  );
}

/** @param {{ costs: import("./bulk.mjs").BulkRow[], delays: import("./bulk.mjs").DelayRow[] }} bulk */
export function judgeBulk({ costs, delays }) {
  const during = delays.filter(({ label }) => label.endsWith("during a change"));
  return [
    ...costs.map(({ label, cpu }) => judge(`1,000 upstreams: ${label}, CPU, ms`, cpu.median, BULK_BUDGET)),
    ...during.map(({ label, longest }) => judge(`${label}, longest, ms`, longest.median, BULK_DELAY_BUDGET)),
  ];
}

/** @param {WriteRow[]} rows */
export function judgeWrites(rows) {
  const fewest = Math.min(...rows.map(({ upstreams }) => upstreams));
  return rows
    .filter(({ upstreams }) => upstreams !== fewest)
    .flatMap(({ label, upstreams, elapsedRatio, cpuRatio }) => {
      const what = `${label}, ${upstreams} upstreams to ${fewest}`;
      return [
        judge(`${what}, time`, elapsedRatio.median, WRITE_BUDGET),
        judge(`${what}, CPU`, cpuRatio.median, WRITE_BUDGET),
      ];
    });
}

/** @param {import("./probes.mjs").ProbeCost} cost */
export function judgeProbes({ servers, percent }) {
  return [judge(`checks of ${servers} servers, % of one core`, percent, PROBE_BUDGET)];
}

/** @param {import("./percentiles.mjs").PercentileCost} cost */
export function judgePercentiles({ ratio }) {
  return [judge("averages and histograms of times, one request", ratio, OBSERVER_BUDGET)];
}

/** @param {DiscoveryRow[]} rows */
export function judgeDiscovery(rows) {
  return rows.map(({ label, p99 }) =>
    judge(`${label} to the first request, 99 %, ms`, p99, DISCOVERY_BUDGET),
  );
}

/** @param {import("./scrape.mjs").ScrapeRow[]} rows */
export function judgeScrapes(rows) {
  return rows.map(({ label, servers, cpu }) =>
    judge(`metrics of ${servers} servers: ${label}, s`, cpu.median, SCRAPE_BUDGET),
  );
}

/**
 * Judges weights by load: the simulation and the cost of an update.
 * @param {import("./control/control.mjs").Control} control
 */
export function judgeControl({ scenarios, updates }) {
  const missed = scenarios.flatMap(({ measures }) => measures.filter((measure) => !isWithin(measure)));
  const timed = updates.map(({ servers, cost }) =>
    judge(
      `one update of the weights of ${servers} servers, µs`,
      cost.median,
      (UPDATE_BUDGET * servers) / 1000,
    ),
  );
  return [judge(`bounds missed in ${scenarios.length} simulated scenarios`, missed.length, 0), ...timed];
}

/**
 * Judges the picks of the methods that compare all servers, among many busy ones.
 * @param {import("./picks.mjs").PickRow[]} rows
 * @param {import("./picks.mjs").Accuracy[]} accuracy
 */
export function judgePicks(rows, accuracy) {
  const compared = rows.filter(({ label }) => /^least_(conn|time header), 4/.test(label));
  const far = accuracy.filter(({ burst }) => burst === 1);
  return [
    ...compared.map(({ label, nanoseconds }) =>
      judge(
        `a pick among 2,000 busy servers: ${label}, ns`,
        nanoseconds[nanoseconds.length - 1],
        PICK_BUDGET,
      ),
    ),
    ...far.map(({ method, workers, percent }) =>
      judge(
        `${method}, ${workers} workers, picks not within one request of the least, %`,
        100 - percent,
        FAR_BUDGET,
      ),
    ),
  ];
}

/** Ratios need three digits, because they are close to their budgets. @param {Verdict} verdict */
export function valueText({ value, budget }) {
  return value.toFixed(budget > 0 && budget < 100 ? 3 : 0);
}

/** @param {Verdict} verdict */
export function verdictLine(verdict) {
  const { what, budget, met } = verdict;
  return `${met ? "met   " : "MISSED"}  ${what}: ${valueText(verdict)}, budget ${budget}`;
}

/**
 * @param {import("./status.mjs").StatusRow[]} rows
 * @returns {Verdict[]}
 */
export function judgeStatus(rows) {
  return rows
    .filter(({ label }) => label.endsWith("without traffic"))
    .map(({ label, cpu }) => judge(`status of 10,000 upstreams: ${label}, ms`, cpu.median, STATUS_BUDGET));
}

/** @param {import("./stream.mjs").StreamCost} cost */
export function judgeStreams({ rows, p99 }) {
  const [none, ...open] = rows;
  const costs = open.map(({ streams, percent }) =>
    judge(
      `${streams} idle clients of the event stream, % of one core`,
      percent.median - none.percent.median,
      STREAM_BUDGET,
    ),
  );
  return [...costs, judge("a message to a client of the event stream, p99 in ms", p99, MESSAGE_BUDGET)];
}

/**
 * @param {import("./dashboard.mjs").DashboardCost} cost
 * @returns {Verdict[]}
 */
export function judgeDashboard({ opened, percent }) {
  return [
    judge("dashboard with 10,000 upstreams: until it shows them, s", opened.median, OPENING_BUDGET),
    judge("dashboard with 10,000 upstreams: an open page, % of a worker", percent, OPEN_PAGE_BUDGET),
  ];
}
