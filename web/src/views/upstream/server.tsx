import type { ComponentChildren } from "preact";
import { Icon } from "../../components/icon";
import { Sparkline } from "../../components/sparkline";
import { Errors, rateText, timeText, UNKNOWN } from "../../components/text";
import { stateSince } from "../../model/issues";
import { originText } from "../../model/origin";
import type { ComparedLoad } from "../../model/types";
import { upstreamHash } from "../../model/route";
import { bytes, count, duration, factor, number, percent, withLocalTimes } from "../../model/words";
import { whyItsShare } from "../../model/why";
import type { Detail, Server } from "../../state/detail";
import { gatewayTime } from "../../state/time";
import { drainText } from "./columns";
import { companyOf } from "./explain";

/** Everything about one server, beside the table. */

function Row({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Traffic({
  server: { status, figures, percentiles: recent, meter },
  now,
}: {
  server: Server;
  now: number;
}) {
  const { response_time, max_conns } = status;
  const percentiles = ["p50", "p90", "p99"] as const;
  return (
    <>
      <Sparkline history={meter.history} now={now} isIdle={false} width={390} height={40} />
      <dl class="facts">
        <Row name="Requests/s">{rateText(figures.rate)}</Row>
        <Row name="Errors">
          <Errors part={figures.errors} />
        </Row>
        <Row name="Active">
          {count(status.active)}
          {max_conns > 0 && ` of at most ${count(max_conns)}`}
        </Row>
        <Row name="p50, p99 now">
          {timeText(recent.p50)}, {timeText(recent.p99)}
        </Row>
        <Row name="p50, p90, p99 since the start">
          {response_time === undefined
            ? UNKNOWN
            : percentiles.map((each) => timeText(response_time[each])).join(", ")}
        </Row>
        <Row name="Sent, received">
          {bytes(status.sent)}, {bytes(status.received)}
        </Row>
      </dl>
    </>
  );
}

function Classes({ server: { status, figures } }: { server: Server }) {
  const rows = [
    ...["1xx", "2xx", "3xx", "4xx", "5xx"].map((name, index) => ({
      name,
      rate: figures.classes[index] ?? 0,
      total: status.responses[name] ?? 0,
    })),
    { name: "failed attempts", rate: figures.fails, total: status.fails },
  ];
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Responses</th>
          <th scope="col" class="right">
            per second
          </th>
          <th scope="col" class="right">
            in total
          </th>
        </tr>
      </thead>
      <tbody>
        {rows
          .filter(({ total, name }) => total > 0 || name === "2xx" || name === "5xx")
          .map(({ name, rate, total }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="right">{number(rate)}</td>
              <td class="right">{count(total)}</td>
            </tr>
          ))}
      </tbody>
    </table>
  );
}

function loadText({ in_flight, elsewhere, expected_time, report_age, hot, hot_from }: ComparedLoad): string {
  return [
    `${count(in_flight)} in flight`,
    `${number(elsewhere)} from elsewhere${report_age === undefined ? "" : ` (reported ${duration(report_age)} ago)`}`,
    expected_time === undefined ? "no answer yet" : `${number(expected_time)} ms expected`,
    `${hot ? "hot" : "cold"} (hot above ${number(hot_from)})`,
  ].join(", ");
}

function Facts({ server: { status } }: { server: Server }) {
  const { weight, check, report, report_age, load, zone } = status;
  return (
    <dl class="facts">
      <Row name="Weight">
        {factor(weight.effective)} = {factor(weight.configured)} configured × {factor(weight.slow_start)} slow
        start × {factor(weight.load)} load
        {weight.outlier !== undefined && ` × ${factor(weight.outlier)} left by outlier detection`}
      </Row>
      <Row name="Share">
        {status.picks_percent} %, {count(status.picks)} choices in the last minute
      </Row>
      <Row name="Checks">
        {check === undefined
          ? "none"
          : `${check.status}; ${count(check.fails)} of ${count(check.checks)} have failed`}
      </Row>
      <Row name="Report">
        {report === undefined
          ? "none"
          : [
              report.utilization === undefined ? "" : `utilization ${percent(report.utilization)}`,
              report.rps === undefined ? "" : `${number(report.rps)} requests/s`,
              report_age === undefined ? "" : `${duration(report_age)} ago`,
            ]
              .filter((part) => part !== "")
              .join(", ")}
      </Row>
      {load !== undefined && <Row name="Load">{loadText(load)}</Row>}
      <Row name="Origin">{originText(status)}</Row>
      {zone !== undefined && <Row name="Zone">{zone}</Row>}
    </dl>
  );
}

interface Props {
  data: Detail;
  server: Server;
  /** The buttons of what can be done. */
  children: ComponentChildren;
}

export function ServerPanel({ data, server, children }: Props) {
  const { status } = server;
  const now = data.status?.now ?? 0;
  const why = data.status === undefined ? [] : whyItsShare(status, companyOf(data.status), gatewayTime());
  return (
    <aside class="server-panel" aria-label={`Server ${status.server}`}>
      <header>
        <h2>
          <Icon shape={status.state} label={status.state} size={14} />
          <span class="address">{status.server}</span>
        </h2>
        <a href={upstreamHash(data.name)} class="close" aria-label="Close">
          ✕
        </a>
      </header>
      <p class={`tone-${status.state}`}>
        {stateSince(status.state, status.since, gatewayTime())}: {withLocalTimes(status.reason)}
        {status.drain_job === true && `; ${drainText(status)}`}
      </p>
      {children}
      <Traffic server={server} now={now} />
      <Classes server={server} />
      <Facts server={server} />
      <h3>Why does it get what it gets?</h3>
      <ul class="why">
        {why.map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
    </aside>
  );
}
