import { Figure } from "../../components/figure";
import { Icon } from "../../components/icon";
import { Sparkline } from "../../components/sparkline";
import { StatesBar, StatesLegend } from "../../components/states_bar";
import { Errors, rateText, timeText } from "../../components/text";
import { issuesOf, severityOfIssues } from "../../model/issues";
import { count } from "../../model/words";
import type { Detail } from "../../state/detail";
import { gatewayTime } from "../../state/time";
import { IssueList } from "../overview/summary";

/** The head of an upstream's view: what is wrong, and its figures. */
export function UpstreamHeader({ data }: { data: Detail }) {
  const { name, status, meter } = data;
  if (status === undefined) return <h1>{name}</h1>;
  const { figures, percentiles } = meter;
  const issues = issuesOf(status, figures, gatewayTime());
  const severity = severityOfIssues(issues);
  const { queue } = status;
  return (
    <section class="summary" aria-label="Summary">
      <div class="verdict">
        <h1>
          <Icon shape={severity} label={severity} size={20} />
          {name}
        </h1>
        <p class="quiet">
          {status.split === undefined ? status.method : "split"}, revision {status.revision}
          {status.discovery !== undefined && `, discovery ${status.discovery.state}`}
        </p>
      </div>
      <dl class="figures">
        <Figure name="Requests/s">
          <Sparkline history={meter.history} now={status.now} isIdle={false} width={96} />{" "}
          {rateText(figures.rate)}
        </Figure>
        <Figure name="Errors">
          <Errors part={figures.errors} />
        </Figure>
        <Figure name="p50">{timeText(percentiles.p50)}</Figure>
        <Figure name="p99">{timeText(percentiles.p99)}</Figure>
        <Figure name="Active">{count(status.active)}</Figure>
        {queue !== undefined && (
          <Figure
            name="Queued"
            hint={`${count(queue.overflows)} requests were refused because the queue was full`}
          >
            {count(queue.size)}
            <span class="quiet">/{count(queue.max_size)}</span>
          </Figure>
        )}
      </dl>
      <div class="all-states">
        <StatesBar states={status.states} />
        <StatesLegend states={status.states} />
      </div>
      <IssueList issues={issues} />
    </section>
  );
}
