import type { ComponentChildren } from "preact";
import { upstreamPath } from "../../model/paths";
import { useResource } from "../../components/use_resource";

type Settings = Record<string, unknown>;

function isGroup(value: unknown): value is Settings {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.map(valueText).join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Shows an object as a list of names and values, with a list in it for each object in it. */
function Group({ settings }: { settings: Settings }): ComponentChildren {
  return (
    <dl class="settings">
      {Object.entries(settings).map(([name, value]) => (
        <div key={name} class={isGroup(value) ? "group" : "pair"}>
          <dt>{name}</dt>
          <dd>{isGroup(value) ? <Group settings={value} /> : <code>{valueText(value)}</code>}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The settings of an upstream. Its servers are in their own table. */
export function Configuration({ name, revision }: { name: string; revision: number | undefined }) {
  const resource = useResource<Settings>(upstreamPath(name), revision);
  if (resource === "loading") return <p class="loading">Loading…</p>;
  if ("failure" in resource) return <p class="panel">{resource.failure.message}</p>;
  const { servers: _, ...settings } = resource.body;
  return (
    <section class="panel" aria-label="Configuration">
      <Group settings={settings} />
      <p class="quiet">What is not listed has its default.</p>
    </section>
  );
}
