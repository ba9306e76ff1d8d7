import { upstreamPath } from "../../model/paths";
import { Age } from "../../components/age";
import { Icon } from "../../components/icon";
import { useResource } from "../../components/use_resource";
import { sentence } from "../../model/issues";
import type { DiscoveryStatus } from "../../model/types";
import { count, plural } from "../../model/words";

function Skipped({ status }: { status: DiscoveryStatus }) {
  if (status.skipped_count === 0) return null;
  return (
    <>
      <h2>{plural(status.skipped_count, "entry is skipped", "entries are skipped")}</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Entry</th>
            <th scope="col">Reason</th>
          </tr>
        </thead>
        <tbody>
          {status.skipped.map(({ entry, reason }) => (
            <tr key={entry}>
              <td class="address">{entry}</td>
              <td>{reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function Pending({ pending }: Pick<DiscoveryStatus, "pending">) {
  if (pending === undefined) return null;
  return (
    <>
      <h2>{plural(pending.count, "removal waits", "removals wait")}</h2>
      <p>
        {sentence(pending.reason)}. {plural(pending.confirmations, "equal answer")} so far.
      </p>
      <ul class="addresses">
        {pending.servers.map((server) => (
          <li key={server} class="address">
            {server}
          </li>
        ))}
      </ul>
    </>
  );
}

function Expired({ expired = [] }: Pick<DiscoveryStatus, "expired">) {
  if (expired.length === 0) return null;
  return (
    <>
      <h2>{plural(expired.length, "registration has expired", "registrations have expired")}</h2>
      <ul class="addresses">
        {expired.map(({ node, server, expires }) => (
          <li key={node}>
            {node}, <span class="address">{server}</span>: <Age moment={expires} /> ago; the server is kept
          </li>
        ))}
      </ul>
    </>
  );
}

/** The source of an upstream's servers. */
export function Discovery({ name, version }: { name: string; version: unknown }) {
  const resource = useResource<DiscoveryStatus>(`${upstreamPath(name)}/discovery`, version);
  if (resource === "loading") return <p class="loading">Loading…</p>;
  if ("failure" in resource) {
    const { status, message } = resource.failure;
    const text = status === 404 ? "The servers of this upstream were added by hand." : message;
    return <p class="panel">{text}</p>;
  }
  const status = resource.body;
  const isOk = status.state === "ok";
  return (
    <section class="panel prose" aria-label="Discovery">
      <p>
        <Icon shape={isOk ? "ok" : status.state === "failing" ? "warning" : "notice"} />{" "}
        {status.source === "register" ? "Servers register themselves" : `Servers come from ${status.source}`};
        the state is {status.state}, with {plural(status.servers, "server")}.{" "}
        {status.last_success !== undefined && (
          <>
            The last good answer is <Age moment={status.last_success} /> old
            {status.revision !== undefined && ` (revision ${status.revision})`}.
          </>
        )}
      </p>
      {status.error !== undefined && <p class="bad">{sentence(status.error)}</p>}
      <Pending pending={status.pending} />
      <Skipped status={status} />
      <Expired {...(status.expired === undefined ? {} : { expired: status.expired })} />
      {status.skipped_count > status.skipped.length && (
        <p class="quiet">Only the first {count(status.skipped.length)} are shown.</p>
      )}
    </section>
  );
}
