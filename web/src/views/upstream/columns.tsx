import type { ComponentChildren } from "preact";
import { Icon } from "../../components/icon";
import { Sparkline } from "../../components/sparkline";
import type { Column } from "../../components/table";
import { Errors, rateText, timeText } from "../../components/text";
import { stateSince } from "../../model/issues";
import type { ServerColumn } from "../../model/order";
import { originText } from "../../model/origin";
import { serverHash } from "../../model/route";
import type { ServerStatus } from "../../model/types";
import {
  count,
  duration,
  exactDuration,
  factor,
  percent,
  plural,
  secondsSince,
  withLocalTimes,
} from "../../model/words";
import type { Server } from "../../state/detail";
import { gatewayTime } from "../../state/time";

/** The columns of the table of an upstream's servers. */

type Id = ServerColumn | "check" | "origin" | "report";

export const COLUMNS: readonly Column<Id>[] = [
  { id: "state", label: "State", hint: "The worst state first", isUnlabelled: true },
  { id: "server", label: "Server" },
  {
    id: "weight",
    label: "Weight",
    hint: "The effective weight, and its factors if it is not as configured",
    isNumber: true,
  },
  { id: "share", label: "Share", hint: "Part of the choices of the last minute", isNumber: true },
  {
    id: "rate",
    label: "Requests/s",
    hint: "Over the last 5 to 10 seconds; the chart shows 5 minutes",
    isNumber: true,
  },
  { id: "active", label: "Active", hint: "Requests in progress, and max_conns if it is set", isNumber: true },
  { id: "errors", label: "Errors", hint: "Requests with a 5xx response or without any", isNumber: true },
  { id: "p50", label: "p50", hint: "Half of the responses took at most this long", isNumber: true },
  { id: "p99", label: "p99", hint: "99 % of the responses took at most this long", isNumber: true },
  { id: "check", label: "Last check", isFixed: true },
  {
    id: "report",
    label: "Report",
    hint: "The utilization that the server has reported, and its age",
    isFixed: true,
  },
  { id: "origin", label: "Origin", hint: "What added the server, and its zone", isFixed: true },
];

/** Returns why a server deserves a second line; undefined: it is up, and nothing else is said of it. */
export function remark(status: ServerStatus): string | undefined {
  const { state, since, reason } = status;
  if (state === "up") return reason === "it is healthy" ? undefined : reason;
  const said = `${stateSince(state, since, gatewayTime())}: ${withLocalTimes(reason)}`;
  return status.drain_job === true ? `${said}; ${drainText(status)}` : said;
}

/** Returns what a drain job waits for, and how long at most. */
export function drainText({ active, drain_deadline }: ServerStatus): string {
  const rest =
    active === 0 ? "about to be removed" : `removed when ${plural(active, "request")} in progress have ended`;
  if (drain_deadline === undefined) return rest;
  const left = -secondsSince(drain_deadline, gatewayTime());
  return left > 0 ? `${rest}, in ${exactDuration(left)} at the latest` : "about to be removed";
}

function Name({ status, upstream }: { status: ServerStatus; upstream: string }) {
  const text = remark(status);
  const tags = [status.backup ? "backup" : "", status.standby === true ? "standby" : ""].filter(
    (tag) => tag !== "",
  );
  return (
    <>
      <a href={serverHash(upstream, status.id)} class="title address">
        {status.server}
      </a>
      {tags.map((tag) => (
        <span key={tag} class="tag">
          {tag}
        </span>
      ))}
      {status.node !== undefined && <span class="aside">{status.node}</span>}
      {text !== undefined && (
        <span class="issues">
          <span class={`issue tone-${status.state}`} title={text}>
            {text}
          </span>
        </span>
      )}
    </>
  );
}

/** Returns the factors of a weight, as in "5 × 0.8"; undefined: it is as configured. */
export function factorsOf({ configured, slow_start, load }: ServerStatus["weight"]): string | undefined {
  const factors = [slow_start, load].filter((part) => part !== 1);
  return factors.length === 0 ? undefined : [configured, ...factors].map(factor).join(" × ");
}

function Weight({ weight }: { weight: ServerStatus["weight"] }) {
  const factors = factorsOf(weight);
  const said = [
    `configured ${weight.configured}`,
    weight.slow_start === 1 ? "" : `slow start ${percent(weight.slow_start)}`,
    weight.load === 1 ? "" : `load ${factor(weight.load)}: ${weight.reason}`,
  ];
  return (
    <span title={said.filter((part) => part !== "").join(", ")}>
      {factors !== undefined && <span class="quiet">{factors} = </span>}
      {factor(weight.effective)}
    </span>
  );
}

function Active({ status: { active, max_conns } }: { status: ServerStatus }) {
  const isFull = max_conns > 0 && active >= max_conns;
  return (
    <span class={isFull ? "bad" : active === 0 ? "quiet" : ""}>
      {count(active)}
      {max_conns > 0 && <span class="quiet">/{count(max_conns)}</span>}
    </span>
  );
}

function Check({ check }: Pick<ServerStatus, "check">) {
  if (check === undefined) return <span class="quiet">none</span>;
  const title = `${count(check.fails)} of ${count(check.checks)} checks have failed`;
  return (
    <span class={check.status === "failed" ? "bad" : ""} title={title}>
      {check.status}
    </span>
  );
}

function LastReport({ report, report_age }: Pick<ServerStatus, "report" | "report_age">) {
  if (report === undefined) return <span class="quiet">none</span>;
  const load = report.utilization === undefined ? (report.state ?? "") : percent(report.utilization);
  return (
    <span>
      {load} <span class="quiet">{report_age === undefined ? "" : `${duration(report_age)} ago`}</span>
    </span>
  );
}

/** Returns the contents of a server's row. `now`: the gateway's monotonic clock. */
export function cellsOf(
  { status, figures, percentiles, meter }: Server,
  upstream: string,
  now: number,
): ComponentChildren[] {
  return [
    <Icon key="state" shape={status.state} label={status.state} />,
    <Name key="server" status={status} upstream={upstream} />,
    <Weight key="weight" weight={status.weight} />,
    <span
      key="share"
      class={status.picks === 0 ? "quiet" : ""}
      title={`chosen ${count(status.picks)} times in the last minute`}
    >
      {status.picks_percent} %
    </span>,
    <span key="rate" class="with-spark">
      <Sparkline history={meter.history} now={now} isIdle={false} />
      <span class={figures.rate === 0 ? "quiet" : ""}>{rateText(figures.rate)}</span>
    </span>,
    <Active key="active" status={status} />,
    <Errors key="errors" part={figures.errors} />,
    timeText(percentiles.p50),
    timeText(percentiles.p99),
    <Check key="check" check={status.check} />,
    <LastReport key="report" report={status.report} report_age={status.report_age} />,
    <span key="origin" class="quiet">
      {originText({ origin: status.origin })}
      {status.zone !== undefined && `, ${status.zone}`}
    </span>,
  ];
}
