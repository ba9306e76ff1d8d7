import type { ComponentChildren } from "preact";
import { Icon } from "../../components/icon";
import { SplitLine } from "../../components/split_members";
import { Sparkline } from "../../components/sparkline";
import { otherStates, StatesBar } from "../../components/states_bar";
import type { Column } from "../../components/table";
import { Errors, rateText, timeText } from "../../components/text";
import { issuesOf, serverCount, type Issue } from "../../model/issues";
import type { UpstreamColumn } from "../../model/order";
import { upstreamHash } from "../../model/route";
import { count } from "../../model/words";
import type { Upstream } from "../../state/overview";
import { gatewayTime } from "../../state/time";

/** The columns of the table of all upstreams. */

export const COLUMNS: readonly Column<UpstreamColumn>[] = [
  { id: "state", label: "State", hint: "How bad it is: the worst first", isUnlabelled: true },
  { id: "name", label: "Upstream" },
  { id: "servers", label: "Servers up", hint: "Servers that are up, of all servers", isNumber: true },
  {
    id: "rate",
    label: "Requests/s",
    hint: "Over the last 5 to 10 seconds; the chart shows 5 minutes",
    isNumber: true,
  },
  { id: "errors", label: "Errors", hint: "Requests with a 5xx response or without any", isNumber: true },
  { id: "p50", label: "p50", hint: "Half of the responses took at most this long", isNumber: true },
  { id: "p99", label: "p99", hint: "99 % of the responses took at most this long", isNumber: true },
  { id: "active", label: "Active", hint: "Requests in progress now", isNumber: true },
];

/** At most so many sentences are shown in a row. */
const MOST_ISSUES = 3;

/** Returns the sentences of a row. */
export function shownIssues({ summary, figures, severity }: Upstream): Issue[] {
  if (severity === "ok") return [];
  return issuesOf(summary, figures, gatewayTime()).slice(0, MOST_ISSUES);
}

function Name({ upstream }: { upstream: Upstream }) {
  const { name, method, split } = upstream.summary;
  return (
    <>
      <a href={upstreamHash(name)} class="title">
        {name}
      </a>
      <span class="aside">{split === undefined ? method : "split"}</span>
      <ul class="issues">
        {shownIssues(upstream).map(({ severity, text }) => (
          <li key={text} class={`issue ${severity}`} title={text}>
            {text}
          </li>
        ))}
      </ul>
    </>
  );
}

function Servers({ upstream }: { upstream: Upstream }) {
  const { states, split } = upstream.summary;
  if (split !== undefined) return <SplitLine members={split} />;
  const total = serverCount(upstream.summary);
  return (
    <span class="with-bar" title={otherStates(states)}>
      <span>
        {count(states.up ?? 0)}
        <span class="quiet">/{count(total)}</span>
      </span>
      <StatesBar states={states} />
    </span>
  );
}

function Active({ upstream: { summary } }: { upstream: Upstream }) {
  const { queue, active } = summary;
  const waiting = queue !== undefined && queue.size > 0 ? ` +${count(queue.size)}` : "";
  return (
    <span title={waiting === "" ? undefined : `${waiting} in the queue`}>
      <span class={active === 0 ? "quiet" : ""}>{count(active)}</span>
      {waiting}
    </span>
  );
}

/** Returns the contents of an upstream's row. `now`: the gateway's monotonic clock. */
export function cellsOf(upstream: Upstream, now: number): ComponentChildren[] {
  const { figures, percentiles, severity, meter } = upstream;
  return [
    <Icon key="state" shape={severity} label={severity} />,
    <Name key="name" upstream={upstream} />,
    <Servers key="servers" upstream={upstream} />,
    <span key="rate" class="with-spark">
      <Sparkline history={meter.history} now={now} isIdle={meter.isIdle} />
      <span class={figures.rate === 0 ? "quiet" : ""}>{rateText(figures.rate)}</span>
    </span>,
    <Errors key="errors" part={figures.errors} />,
    timeText(percentiles.p50),
    timeText(percentiles.p99),
    <Active key="active" upstream={upstream} />,
  ];
}
