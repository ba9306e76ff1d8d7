import { useState } from "preact/hooks";
import { ServerActions, useActionKeys } from "../../actions/server_actions";
import { SplitMembers } from "../../components/split_members";
import { useKeys } from "../../components/keys";
import { TABS, upstreamHash, type Route, type Tab } from "../../model/route";
import { detail } from "../../state/detail";
import { go } from "../../state/route";
import { useStore } from "../../state/store";
import { Configuration } from "./configuration";
import { Discovery } from "./discovery";
import { UpstreamEvents } from "./events";
import { Explain } from "./explain";
import { UpstreamHeader } from "./header";
import { ServerPanel } from "./server";
import { Servers } from "./servers";

/** The view of one upstream. */

type UpstreamRoute = Extract<Route, { view: "upstream" }>;

const LABELS: Record<Tab, string> = {
  servers: "Servers",
  events: "Events",
  configuration: "Configuration",
  discovery: "Discovery",
  explain: "Explain",
};

function Tabs({ name, current }: { name: string; current: Tab }) {
  return (
    <nav class="tabs" aria-label="Parts of the upstream">
      {TABS.map((tab) => (
        <a
          key={tab}
          href={upstreamHash(name, tab)}
          {...(tab === current ? { "aria-current": "page" as const } : {})}
        >
          {LABELS[tab]}
        </a>
      ))}
    </nav>
  );
}

/** Opens a part by its number, and goes one step back with Escape. */
function useUpstreamKeys({ name, server }: UpstreamRoute): void {
  const tabs = TABS.map((tab, index): [string, () => void] => [
    String(index + 1),
    () => go(upstreamHash(name, tab)),
  ]);
  const back = (): void => go(server === undefined ? "#/" : upstreamHash(name));
  useKeys({ ...Object.fromEntries(tabs), Escape: back, u: () => go("#/") });
}

export function UpstreamView({ route }: { route: UpstreamRoute }) {
  const { name, tab } = route;
  const data = useStore(detail);
  const [selected, setSelected] = useState<string | undefined>(route.server?.toString());
  useUpstreamKeys(route);
  const chosen = route.server ?? (selected === undefined ? undefined : Number(selected));
  useActionKeys(name, chosen === undefined ? undefined : data.servers.get(chosen)?.status);
  const back = (
    <a class="back" href="#/">
      ← All upstreams
    </a>
  );
  if (data.name !== name || (data.status === undefined && !data.isMissing))
    return (
      <div class="upstream">
        {back}
        <h1>{name}</h1>
        <p class="loading">Loading…</p>
      </div>
    );
  if (data.isMissing)
    return (
      <div class="upstream">
        {back}
        <h1>{name}</h1>
        <p class="empty">There is no upstream of this name, or it was deleted.</p>
      </div>
    );
  const open = route.server === undefined ? undefined : data.servers.get(route.server);
  return (
    <div class={open === undefined ? "upstream" : "upstream with-panel"}>
      {back}
      <UpstreamHeader data={data} />
      <Tabs name={name} current={tab} />
      {data.status?.split !== undefined && <SplitMembers members={data.status.split} />}
      {tab === "servers" && data.status?.split === undefined && (
        <Servers data={data} selected={selected} onSelect={setSelected} />
      )}
      {tab === "events" && <UpstreamEvents name={name} />}
      {tab === "configuration" && <Configuration name={name} revision={data.status?.revision} />}
      {tab === "discovery" && <Discovery name={name} version={Math.floor((data.status?.now ?? 0) / 5)} />}
      {tab === "explain" && <Explain data={data} />}
      {open !== undefined && (
        <ServerPanel data={data} server={open}>
          <ServerActions upstream={name} status={open.status} />
        </ServerPanel>
      )}
      {route.server !== undefined && open === undefined && (
        <p class="empty">The server with the id {route.server} was removed.</p>
      )}
    </div>
  );
}
