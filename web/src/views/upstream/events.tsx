import { EventList } from "../../components/event_list";
import { useResource } from "../../components/use_resource";
import { eventOf, kindOf, type GatewayEvent } from "../../model/event_text";
import { events } from "../../state/events";
import { useStore } from "../../state/store";

type Listed = Record<string, unknown>;

/** Puts the events of the list and those of the stream together, the newest first, each once. */
function merged(listed: readonly Listed[], streamed: readonly GatewayEvent[], name: string): GatewayEvent[] {
  const own = streamed.filter(({ upstream }) => upstream === name);
  const seen = new Set(own.map(({ time, reason }) => `${time}${reason}`));
  const earlier = listed
    .filter(({ upstream }) => upstream === name)
    .map((data) => eventOf(kindOf(data), String(data.number), data))
    .filter(({ time, reason }) => !seen.has(`${time}${reason}`));
  return [...own, ...earlier].sort((one, other) => Date.parse(other.time ?? "") - Date.parse(one.time ?? ""));
}

/** The events of one upstream. */
export function UpstreamEvents({ name }: { name: string }) {
  const { list, failure } = useStore(events);
  const listed = useResource<Listed[]>("/sluice/1/events", name);
  const earlier = typeof listed === "object" && "body" in listed ? listed.body : [];
  return (
    <section class="panel" aria-label="Events">
      {failure !== undefined && <p class="quiet">Events are interrupted: {failure}.</p>}
      <EventList list={merged(earlier, list, name)} hasNames={false} />
    </section>
  );
}
