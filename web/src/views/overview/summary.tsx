import { Figure } from "../../components/figure";
import { Icon } from "../../components/icon";
import { StatesBar, StatesLegend } from "../../components/states_bar";
import { Errors, rateText } from "../../components/text";
import { gatewayIssues, type Issue } from "../../model/issues";
import { worstOf, type Severity } from "../../model/severity";
import { count, plural } from "../../model/words";
import type { Overview, Totals } from "../../state/overview";

/** The state of everything in one sentence. */
export function headline({ severities }: Totals, upstreams: number): { severity: Severity; text: string } {
  const { critical, warning } = severities;
  if (upstreams === 0) return { severity: "notice", text: "There is no upstream yet" };
  if (critical > 0) {
    const text = critical === 1 ? "1 upstream cannot serve" : `${count(critical)} upstreams cannot serve`;
    return {
      severity: "critical",
      text:
        warning > 0 ? `${text}, ${count(warning)} more ${warning === 1 ? "needs" : "need"} attention` : text,
    };
  }
  if (warning > 0) {
    const text = warning === 1 ? "1 upstream needs attention" : `${count(warning)} upstreams need attention`;
    return { severity: "warning", text };
  }
  return { severity: "ok", text: "All upstreams are well" };
}

/** Returns the state of everything, with the problems of the gateway itself. */
export function overallState({ gateway, totals, upstreams }: Overview): { severity: Severity; text: string } {
  const said = headline(totals, upstreams.size);
  const issues = gateway === undefined ? [] : gatewayIssues(gateway);
  const own = worstOf(issues.map(({ severity }) => severity));
  if (own !== "warning" || said.severity === "critical") return said;
  const text = said.severity === "ok" ? "The gateway needs attention" : said.text;
  return { severity: "warning", text };
}

export function IssueList({ issues }: { issues: readonly Issue[] }) {
  if (issues.length === 0) return null;
  return (
    <ul class="issue-list">
      {issues.map(({ severity, text }) => (
        <li key={text}>
          <Icon shape={severity} label={severity} /> {text}
        </li>
      ))}
    </ul>
  );
}

export function Summary({ data }: { data: Overview }) {
  const { gateway, totals, upstreams } = data;
  const { severity, text } = overallState(data);
  return (
    <section class="summary" aria-label="Summary">
      <div class="verdict">
        <h1>
          <Icon shape={severity} label={severity} size={20} />
          {text}
        </h1>
        <p class="quiet">
          {plural(upstreams.size, "upstream")}, {plural(totals.servers, "server")},{" "}
          {plural(gateway?.workers ?? 0, "worker")}, revision {gateway?.revision}
          {gateway?.cluster !== undefined && `, cluster ${gateway.cluster.state}`}
        </p>
      </div>
      <dl class="figures">
        <Figure name="Requests/s">{rateText(totals.rate)}</Figure>
        <Figure name="Errors">
          <Errors part={totals.errors} />
        </Figure>
        <Figure name="Active">{count(totals.active)}</Figure>
        {totals.queued !== undefined && <Figure name="Queued">{count(totals.queued)}</Figure>}
      </dl>
      <div class="all-states">
        <StatesBar states={totals.states} />
        <StatesLegend states={totals.states} />
      </div>
      <IssueList issues={gateway === undefined ? [] : gatewayIssues(gateway)} />
    </section>
  );
}
