/** @typedef {import("./control.mjs").Scenario} Scenario */
/** @typedef {import("./control.mjs").Curve} Curve */

/** Each scenario has a panel: utilizations above, weights below, by second. All lengths are in pixels. */
const COLUMNS = 3;
const PANEL = { width: 360, height: 250 };
const MARGIN = { left: 38, top: 34 };
const CHART = { width: 306, height: 84, gap: 18 };
const HEADER = 34;

const HONEST = "#2563a8";
const LIAR = "#c0392b";
const GRID = "#d9dee4";
const TEXT = "#333";

/** A scale of values and its grid lines. */
const LOADS = {
  title: "utilization",
  lines: [0, 0.5, 1],
  /** @param {number} value */
  place: (value) => Math.min(value, 1.2) / 1.2,
  /** @param {number} value */
  name: (value) => `${value * 100} %`,
};
const FACTORS = {
  title: "weight ÷ configured, logarithmic",
  lines: [0.05, 0.25, 1, 4],
  /** @param {number} value */
  place: (value) => Math.log(value / 0.05) / Math.log(4 / 0.05),
  name: String,
};

/** @param {string} text */
function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} text
 * @param {string} [more] attributes
 */
function label(x, y, text, more = "") {
  return `<text x="${x}" y="${y}"${more}>${escaped(text)}</text>`;
}

/**
 * Returns the points of a line, without points between two of the same height.
 * @param {number[]} values
 * @param {typeof LOADS} scale
 */
function points(values, scale) {
  const heights = values.map((value) => (CHART.height * (1 - scale.place(value))).toFixed(1));
  return heights
    .map((height, second) => ({ height, second }))
    .filter(({ height, second }) => height !== heights[second - 1] || height !== heights[second + 1])
    .map(({ height, second }) => {
      const x = (CHART.width * second) / (values.length - 1);
      return `${x.toFixed(1)},${height}`;
    })
    .join(" ");
}

/**
 * @param {number} top
 * @param {typeof LOADS} scale
 * @param {{ isLiar: boolean, values: number[] }[]} curves
 */
function chart(top, scale, curves) {
  const grid = scale.lines.flatMap((value) => {
    const y = (CHART.height * (1 - scale.place(value))).toFixed(1);
    return [
      `<path d="M0 ${y}H${CHART.width}" stroke="${GRID}"/>`,
      label(-4, Number(y) + 3, scale.name(value), ' text-anchor="end"'),
    ];
  });
  // Liars are drawn on top.
  const drawn = [...curves].sort((one, other) => Number(one.isLiar) - Number(other.isLiar));
  const lines = drawn.map(
    ({ isLiar, values }) =>
      `<polyline points="${points(values, scale)}" stroke="${isLiar ? LIAR : HONEST}" stroke-opacity=".75"/>`,
  );
  const title = label(0, -4, scale.title);
  return `<g transform="translate(0 ${top})">${[title, ...grid, ...lines].join("\n")}</g>`;
}

/** @param {Scenario} scenario @param {number} index */
function panel({ label: title, curves }, index) {
  const x = (index % COLUMNS) * PANEL.width + MARGIN.left;
  const y = HEADER + Math.floor(index / COLUMNS) * PANEL.height + MARGIN.top;
  const loads = curves.map(({ isLiar, loads: values }) => ({ isLiar, values }));
  const factors = curves.map(({ isLiar, factors: values }) => ({ isLiar, values }));
  const bottom = 2 * CHART.height + CHART.gap + 12;
  const length = curves[0].loads.length;
  return [
    `<g transform="translate(${x} ${y})">`,
    label(-32, -18, title, ' font-weight="bold" font-size="10"'),
    chart(0, LOADS, loads),
    chart(CHART.height + CHART.gap, FACTORS, factors),
    label(0, bottom, "0"),
    label(CHART.width, bottom, `${length} s`, ' text-anchor="end"'),
    "</g>",
  ].join("\n");
}

/** Returns an SVG of the scenarios. @param {Scenario[]} scenarios */
export function drawPlot(scenarios) {
  const width = COLUMNS * PANEL.width;
  const height = HEADER + Math.ceil(scenarios.length / COLUMNS) * PANEL.height;
  const header =
    "Servers' utilization and weight, simulated. Reports begin at 0 s and count from 10 s on. " +
    "Blue: honest servers. Red: a server with false reports.";
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`,
    ` font-family="sans-serif" font-size="9" fill="none">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<g fill="${TEXT}">`,
    label(MARGIN.left, 22, header, ' font-size="12"'),
    "</g>",
    `<g>${scenarios.map(panel).join("\n").replaceAll("<text ", `<text fill="${TEXT}" `)}</g>`,
    "</svg>\n",
  ].join("\n");
}
