import {
  judgeBulk,
  judgeChanges,
  judgeControl,
  judgeDashboard,
  judgeDiscovery,
  judgePercentiles,
  judgePicks,
  judgeProbes,
  judgeRequests,
  judgeScrapes,
  judgeSplits,
  judgeStatus,
  judgeStreams,
  judgeWrites,
  judgeZones,
} from "./budgets.mjs";
import { ensureTestTools } from "../scripts/setup.mjs";
import { measureBulk } from "./bulk.mjs";
import { measureChanges } from "./changes.mjs";
import { measureControl } from "./control/control.mjs";
import { measureCrowd } from "./crowd.mjs";
import { measureDashboard } from "./dashboard.mjs";
import { measureDiscovery } from "./discovery.mjs";
import { measureDurable } from "./durable.mjs";
import { groups } from "./groups.mjs";
import { countInstructions, instructionTables } from "./instructions.mjs";
import { inferenceTable, judgeInference, measureInference } from "./inference/inference.mjs";
import { measureLarge } from "./large.mjs";
import { measureConfirmation } from "./load/confirm.mjs";
import { confirmationTable, confirmationText } from "./load/confirm_table.mjs";
import { judgeMethod, judgeModel } from "./load/goals.mjs";
import { measureLoad } from "./load/load.mjs";
import { judgeOverloads, measureOverloads, overloadTable } from "./load/overloads.mjs";
import { confirmOverloads, judgeRealOverloads, realOverloadText } from "./load/real_overload_table.mjs";
import { writeConfirmation, writeLoadPage } from "./load/page.mjs";
import { summaryTable } from "./load/tables.mjs";
import {
  crowdTable,
  durableTable,
  judgeCrowd,
  judgeDurable,
  judgeLarge,
  largeTable,
} from "./many_tables.mjs";
import { measureGroup } from "./per_request.mjs";
import { measurePercentiles } from "./percentiles.mjs";
import { measureAccuracy, measurePicks } from "./picks.mjs";
import { measureProbes } from "./probes.mjs";
import {
  accuracyTable,
  bulkTables,
  changeTable,
  controlTables,
  dashboardLine,
  discoveryTable,
  percentileLine,
  pickTable,
  probeLine,
  requestTable,
  scrapeTable,
  stateTables,
  statusTable,
  streamTables,
} from "./report.mjs";
import { measureScrapes } from "./scrape.mjs";
import { measureState } from "./state.mjs";
import { measureStatus } from "./status.mjs";
import { measureStreams } from "./stream.mjs";

/** @typedef {import("./budgets.mjs").Verdict} Verdict */

/**
 * @typedef {object} Options
 * @property {number} rounds of a group of rows
 * @property {number} seconds of a round
 * @property {number} starts from the saved state
 * @property {number} batches of writes and of changes
 * @property {number} batchSize writes of a batch
 * @property {number} changes of a batch
 * @property {number} discoveries changes in a registry
 * @property {number} seeds of the simulation of load; with one, it is shorter and does not write docs/load.md
 * @property {{ upstreams: number, seconds: number }} crowd many upstreams, and how long they are changed
 * @property {boolean} writes true: parts write pages and plots of their own
 */

/**
 * What one part of the bench has measured.
 *
 * @typedef {object} Result
 * @property {unknown} data for bench/results.json
 * @property {string} text Markdown
 * @property {Verdict[]} verdicts
 */

/** @typedef {(options: Options) => Result | Promise<Result>} Part */

/**
 * Measures requests in all groups of a part.
 * @param {string} part
 * @param {(rows: import("./row.mjs").Row[]) => Verdict[]} [judge]
 * @returns {Part}
 */
function requests(part, judge = judgeRequests) {
  return async (options) => {
    const measured = [];
    for (const group of groups.filter((one) => one.part === part)) {
      measured.push(await measureGroup(group, options));
    }
    const rows = measured.flatMap((group) => group.rows);
    const notes = measured
      .filter(({ rounds }) => rounds.quiet < rounds.total)
      .map(
        ({ servers, rounds: { total, quiet, used } }) =>
          `${servers} servers: other processes disturbed ${total - quiet} of ${total} rounds; ${used} are used.`,
      );
    return {
      data: measured,
      text: [requestTable(rows), ...notes].join("\n\n"),
      verdicts: judge(rows),
    };
  };
}

/** The parts in the order in which they are measured. @type {Record<string, Part>} */
export const parts = {
  overhead: requests("overhead"),
  instructions: async (options) => {
    const platforms = await countInstructions(options);
    return { data: platforms, text: instructionTables(platforms), verdicts: [] };
  },
  sizes: (options) => {
    ensureTestTools(["openssl", "h2load"]);
    return requests("sizes")(options);
  },
  reports: requests("reports"),
  zones: requests("zones", judgeZones),
  methods: requests("methods"),
  split: requests("split", judgeSplits),
  many: requests("many"),
  changes: async (options) => {
    const rows = await measureChanges(options);
    return { data: rows, text: changeTable(rows), verdicts: judgeChanges(rows) };
  },
  bulk: async (options) => {
    const cost = await measureBulk(options);
    return { data: cost, text: bulkTables(cost), verdicts: judgeBulk(cost) };
  },
  picks: () => {
    const rows = measurePicks();
    const accuracy = measureAccuracy();
    const text = `${pickTable(rows)}\n\n${accuracyTable(accuracy)}`;
    return { data: { rows, accuracy }, text, verdicts: judgePicks(rows, accuracy) };
  },
  percentiles: async (options) => {
    const cost = await measurePercentiles(options);
    return { data: cost, text: percentileLine(cost), verdicts: judgePercentiles(cost) };
  },
  probes: async () => {
    const cost = await measureProbes();
    return { data: cost, text: probeLine(cost), verdicts: judgeProbes(cost) };
  },
  discovery: async (options) => {
    const rows = [await measureDiscovery(options)];
    return { data: rows, text: discoveryTable(rows), verdicts: judgeDiscovery(rows) };
  },
  scrape: async () => {
    const rows = await measureScrapes();
    return { data: rows, text: scrapeTable(rows), verdicts: judgeScrapes(rows) };
  },
  status: async () => {
    const rows = await measureStatus();
    return { data: rows, text: statusTable(rows), verdicts: judgeStatus(rows) };
  },
  stream: async () => {
    const cost = await measureStreams();
    return { data: cost, text: streamTables(cost), verdicts: judgeStreams(cost) };
  },
  dashboard: async () => {
    const cost = await measureDashboard();
    return { data: cost, text: dashboardLine(cost), verdicts: judgeDashboard(cost) };
  },
  load: async ({ seeds, writes }) => {
    // With one seed, fewer scenarios are simulated, and nothing is judged: the bounds are means of seeds.
    const isQuick = seeds === 1;
    const outcomes = await measureLoad(seeds, isQuick);
    if (writes && !isQuick) await writeLoadPage(outcomes);
    const verdicts = isQuick ? [] : [...judgeModel(outcomes), ...judgeMethod(outcomes)];
    return { data: outcomes, text: summaryTable(outcomes), verdicts };
  },
  confirm: async ({ seeds, writes }) => {
    const isQuick = seeds === 1;
    const confirmation = await measureConfirmation(isQuick);
    if (writes && !isQuick) await writeConfirmation(confirmation);
    const text = `${confirmationTable(confirmation)}\n\n${confirmationText(confirmation)}`;
    return { data: confirmation, text, verdicts: [] };
  },
  inference: (options) => {
    const rows = measureInference(options);
    return { data: rows, text: inferenceTable(rows), verdicts: judgeInference(rows) };
  },
  overload: async ({ seeds }) => {
    const outcomes = measureOverloads();
    const confirmed = await confirmOverloads(seeds === 1);
    return {
      data: { outcomes, ...confirmed },
      text: `${overloadTable(outcomes)}\n\n${realOverloadText(confirmed)}`,
      verdicts: [...judgeOverloads(outcomes), ...judgeRealOverloads(confirmed)],
    };
  },
  control: () => {
    const control = measureControl();
    return { data: control, text: controlTables(control), verdicts: judgeControl(control) };
  },
  durable: async (options) => {
    const durable = await measureDurable(options);
    return { data: durable, text: durableTable(durable), verdicts: judgeDurable(durable) };
  },
  large: async (options) => {
    const rows = await measureLarge(options);
    return { data: rows, text: largeTable(rows), verdicts: judgeLarge(rows) };
  },
  crowd: async (options) => {
    const crowd = await measureCrowd(options);
    return { data: crowd, text: crowdTable(crowd), verdicts: judgeCrowd(crowd) };
  },
  state: async (options) => {
    const state = await measureState(options);
    return { data: state, text: stateTables(state), verdicts: judgeWrites(state.writes) };
  },
};
