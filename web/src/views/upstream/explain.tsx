import { upstreamPath } from "../../model/paths";
import { Age } from "../../components/age";
import { Icon } from "../../components/icon";
import { useResource } from "../../components/use_resource";
import { serverHash } from "../../model/route";
import type { ExplainedZone, Explanation, UpstreamStatus } from "../../model/types";
import { percent, plural } from "../../model/words";
import { shareByWeight, whyItsShare, type Company } from "../../model/why";
import type { Detail } from "../../state/detail";
import { gatewayTime } from "../../state/time";
import { sentence } from "../../model/issues";

/** Explains the shares of servers in sentences. */

/** At most so many servers are explained: those that differ most from their weights. */
const MOST_SERVERS = 20;

/** Returns what the explanation of a server compares it with. */
export function companyOf(status: UpstreamStatus, isSticky = false): Company {
  return { method: status.method, panic: status.panic === true, isSticky, servers: status.servers };
}

function deviation(server: UpstreamStatus["servers"][number], company: Company): number {
  return Math.abs(server.picks_percent / 100 - (shareByWeight(server, company) ?? 0));
}

function Scaling({ autoscale }: Pick<Explanation, "autoscale">) {
  if (autoscale === undefined) return null;
  const { high_since, low_since, scaled_at } = autoscale;
  return (
    <p>
      {high_since !== undefined && (
        <>
          The load has been high for <Age moment={high_since} />.{" "}
        </>
      )}
      {low_since !== undefined && (
        <>
          The load has been low for <Age moment={low_since} />.{" "}
        </>
      )}
      {scaled_at === undefined ? (
        "It has not scaled yet."
      ) : (
        <>
          It scaled last <Age moment={scaled_at} /> ago.
        </>
      )}
    </p>
  );
}

function zoneText({ zone, local, share_percent, servers, available, utilization }: ExplainedZone): string {
  const parts = [
    ...(share_percent === undefined ? [] : [`${share_percent} % of the requests`]),
    `${available} of ${plural(servers, "server")} available`,
    ...(utilization === undefined ? [] : [`utilization ${percent(utilization)}`]),
  ];
  return `${zone === "" ? "Servers without a zone" : zone}${local ? " (local)" : ""}: ${parts.join(", ")}`;
}

function Zones({ zones }: Required<Pick<Explanation, "zones">>) {
  return (
    <>
      <h2>Which zones get the requests?</h2>
      <p>{zones.in_effect ? `${sentence(zones.reason)}.` : `Zones are ignored: ${zones.reason}.`}</p>
      <ul class="why">
        {zones.zones.map((zone) => (
          <li key={zone.zone}>{zoneText(zone)}</li>
        ))}
      </ul>
    </>
  );
}

function Next({ explanation }: { explanation: Explanation }) {
  const { next, problems } = explanation;
  return (
    <>
      <p>
        {next.server === undefined
          ? `${sentence(next.reason)}.`
          : `The worker that was asked would choose ${next.server} next, ${next.reason}.`}
      </p>
      {problems.map(({ reason }) => (
        <p key={reason} class="bad">
          {sentence(reason)}
        </p>
      ))}
      <Scaling {...(explanation.autoscale === undefined ? {} : { autoscale: explanation.autoscale })} />
    </>
  );
}

export function Explain({ data }: { data: Detail }) {
  const { name, status } = data;
  const resource = useResource<Explanation>(
    `${upstreamPath(name)}/explain`,
    Math.floor((status?.now ?? 0) / 5),
  );
  if (status === undefined) return <p class="loading">Loading…</p>;
  const company = companyOf(status);
  const servers = [...status.servers]
    .sort((one, other) => deviation(other, company) - deviation(one, company))
    .slice(0, MOST_SERVERS);
  return (
    <section class="panel prose" aria-label="Explanation">
      {typeof resource === "object" && "body" in resource && <Next explanation={resource.body} />}
      {typeof resource === "object" && "body" in resource && resource.body.zones !== undefined && (
        <Zones zones={resource.body.zones} />
      )}
      <h2>Why does a server get what it gets?</h2>
      {servers.map((server) => (
        <article key={server.id} class="why">
          <h3>
            <Icon shape={server.state} /> <a href={serverHash(name, server.id)}>{server.server}</a>{" "}
            <span class="quiet">
              {server.picks_percent} % of the choices
              {shareByWeight(server, company) !== undefined &&
                `, ${percent(shareByWeight(server, company) ?? 0)} by weight`}
            </span>
          </h3>
          <p>{whyItsShare(server, company, gatewayTime()).join(" ")}</p>
        </article>
      ))}
      {status.servers.length > MOST_SERVERS && (
        <p class="quiet">These are the {MOST_SERVERS} servers whose shares differ most from their weights.</p>
      )}
    </section>
  );
}
