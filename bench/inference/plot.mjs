import { drawPanels } from "../svg.mjs";

/** The plot of examples/inference: what clients of each upstream have seen. */

/** @typedef {import("./inference.mjs").Measured} Measured */

const TITLE = "Which server gets a prompt";
const COLUMNS = 2;
/** The upstream that the example recommends, and the colours of this one and of the others. */
const RECOMMENDED = "prefix";
const [STRIKING, PLAIN] = [0, 7];

/** @param {Measured[]} rows @returns {import("../svg.mjs").Panel[]} */
function panels(rows) {
  const bars = (
    /** @type {(measured: Measured) => import("../svg.mjs").Spread} */ valueOf,
    /** @type {(measured: Measured) => string} */ text,
  ) =>
    rows.map((measured) => ({
      name: measured.upstream,
      color: measured.upstream === RECOMMENDED ? STRIKING : PLAIN,
      value: valueOf(measured),
      text: text(measured),
    }));
  return [
    {
      title: "Time to first token: 50 % (bar) / 99 % (stroke), ms",
      bars: bars(
        ({ p50, p99 }) => ({ mean: p50, min: p50, max: p99 }),
        ({ p50, p99 }) => `${p50.toFixed(0)} / ${p99.toFixed(0)}`,
      ),
    },
    {
      title: "Tokens of prompts that were in a cache",
      bars: bars(
        ({ cached }) => ({ mean: cached, min: cached, max: cached }),
        ({ cached }) => `${(cached * 100).toFixed(0)} %`,
      ),
    },
  ];
}

/** Returns an SVG. @param {Measured[]} rows */
export function drawPlot(rows) {
  return drawPanels(TITLE, panels(rows), COLUMNS);
}
