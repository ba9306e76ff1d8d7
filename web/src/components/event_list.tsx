import { eventText, type GatewayEvent } from "../model/event_text";
import { upstreamHash } from "../model/route";
import { severityOf, STATES, type Severity } from "../model/severity";
import { Age } from "./age";
import { Icon } from "./icon";

function shapeOf({ kind, newState }: GatewayEvent): Severity {
  const state = STATES.find((known) => known === newState);
  if (kind === "state" && state !== undefined) return severityOf(state);
  return kind === "problem" || kind === "lost" ? "warning" : "notice";
}

function Entry({ event, hasName }: { event: GatewayEvent; hasName: boolean }) {
  const { upstream, time } = event;
  const state = STATES.find((known) => known === event.newState);
  return (
    <li class="event">
      <Icon shape={state ?? shapeOf(event)} />
      <span class="what">
        {hasName && upstream !== undefined && <a href={upstreamHash(upstream)}>{upstream}</a>}{" "}
        {eventText(event)}
      </span>
      <span class="when">{time !== undefined && <Age moment={time} />}</span>
    </li>
  );
}

/** Events, the newest first. `hasNames`: whether to show the upstreams' names. */
export function EventList({ list, hasNames }: { list: readonly GatewayEvent[]; hasNames: boolean }) {
  if (list.length === 0) return <p class="quiet">Nothing has happened yet.</p>;
  return (
    <ol class="events">
      {list.map((event, index) => (
        <Entry key={`${event.cursor}/${event.time ?? index}`} event={event} hasName={hasNames} />
      ))}
    </ol>
  );
}
