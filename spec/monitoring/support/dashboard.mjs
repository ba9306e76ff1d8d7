/** The queries of the example's dashboard and rules. */
import { parse } from "yaml";
import { readExample } from "./prometheus.mjs";

/**
 * The queries of a panel of the dashboard.
 *
 * @typedef {object} Panel
 * @property {string} row
 * @property {string} title
 * @property {string[]} queries
 */

/** @returns {Panel[]} */
export function readPanels() {
  let row = "";
  return JSON.parse(readExample("grafana.json")).panels.flatMap(({ type, title, targets }) => {
    if (type === "row") row = title;
    return type === "row" ? [] : [{ row, title, queries: targets.map(({ expr }) => expr) }];
  });
}

/** Returns the expressions of the alerts by name. @returns {Record<string, string>} */
export function readAlerts() {
  const { groups } = parse(readExample("rules.yml"));
  return Object.fromEntries(groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => [alert, expr])));
}

/**
 * Replaces the variables of the dashboard, as Grafana does.
 * @param {string} query
 * @param {Record<string, string>} variables
 */
export function withVariables(query, variables) {
  const text = Object.entries(variables).reduce(
    (replaced, [name, value]) => replaced.replaceAll(`$${name}`, value),
    query,
  );
  if (text.includes("$")) throw new Error(`unknown variable: ${query}`);
  return text;
}
