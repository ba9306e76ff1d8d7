/** Draws the times to the first token: a bar from the 50th to the 99th percentile for each upstream. */

/** @typedef {import("./inference.mjs").Measured} Measured */

/** All lengths are in pixels. */
const WIDTH = 760;
const ROW = 30;
const TOP = 58;
const CHART = { left: 110, width: 460 };
const CACHED = { left: 600, width: 120 };
/** Grid lines of the logarithmic scale of times, in milliseconds. */
const LINES = [5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

const COLOR = "#2563a8";
const GRID = "#d9dee4";
const TEXT = "#333";

/** @param {number} x @param {number} y @param {string} text @param {string} [more] attributes */
const label = (x, y, text, more = "") => `<text x="${x}" y="${y}" fill="${TEXT}"${more}>${text}</text>`;

/** Returns the place of a time. @param {number} milliseconds */
function place(milliseconds) {
  const [first, last] = [LINES[0], LINES[LINES.length - 1]].map(Math.log);
  const part = (Math.log(milliseconds) - first) / (last - first);
  return Number((CHART.left + CHART.width * Math.min(1, Math.max(0, part))).toFixed(1));
}

/** @param {number} height */
function grid(height) {
  return LINES.map((time) => {
    const x = place(time);
    const name = time < 1000 ? `${time} ms` : `${time / 1000} s`;
    return `<path d="M${x} ${TOP}V${height - 12}" stroke="${GRID}"/>${label(x, TOP - 6, name, ' text-anchor="middle"')}`;
  });
}

/** @param {Measured} measured @param {number} index */
function row({ upstream, p50, p90, p99, cached }, index) {
  const y = TOP + index * ROW + ROW / 2;
  const [from, middle, to] = [p50, p90, p99].map(place);
  const width = (CACHED.width * cached).toFixed(1);
  return [
    label(CHART.left - 10, y + 4, upstream, ' text-anchor="end" font-size="11"'),
    `<path d="M${from} ${y}H${to}" stroke="${COLOR}" stroke-width="3" stroke-opacity=".35"/>`,
    ...[from, middle, to].map((x) => `<circle cx="${x}" cy="${y}" r="4" fill="${COLOR}"/>`),
    `<rect x="${CACHED.left}" y="${y - 6}" width="${width}" height="12" fill="${COLOR}" fill-opacity=".35"/>`,
    label(CACHED.left + 4, y + 4, `${(cached * 100).toFixed(0)} %`),
  ].join("\n");
}

/** Returns an SVG. @param {Measured[]} rows */
export function drawPlot(rows) {
  const height = TOP + rows.length * ROW + 16;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}"`,
    ' font-family="sans-serif" font-size="9" fill="none">',
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    label(CHART.left, 20, "Time to first token: 50th, 90th and 99th percentile", ' font-size="12"'),
    label(CACHED.left, 20, "Cached", ' font-size="12"'),
    label(CACHED.left, TOP - 6, "part of the tokens of prompts"),
    ...grid(height),
    ...rows.map(row),
    "</svg>\n",
  ].join("\n");
}
