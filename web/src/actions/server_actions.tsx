import { useKeys } from "../components/keys";
import { isByHand, originText } from "../model/origin";
import type { ServerStatus } from "../model/types";
import { FULL_CHANGES, openAction, type Kind } from "../state/action";
import { useLimited, usePermission } from "../state/permission";

/** The actions on one server, as buttons and as keys. */

interface Choice {
  kind: Kind;
  label: string;
  key: string;
}

/** Returns what can be done with a server in its state. */
export function choicesFor(status: ServerStatus): Choice[] {
  const isDraining = status.drain === true;
  const choices: (Choice | undefined)[] = [
    isDraining
      ? { kind: "keep", label: "Stop draining", key: "d" }
      : { kind: "drain", label: "Drain", key: "d" },
    status.down === true
      ? { kind: "up", label: "Bring up", key: "s" }
      : { kind: "down", label: "Take down", key: "s" },
    { kind: "weight", label: "Weight", key: "w" },
    { kind: "edit", label: "Edit", key: "e" },
    status.standby === true
      ? { kind: "service", label: "Take into service", key: "t" }
      : status.backup
        ? undefined
        : { kind: "standby", label: "Put on standby", key: "t" },
    { kind: "delete", label: "Delete", key: "x" },
  ];
  return choices.filter((choice) => choice !== undefined);
}

/** Makes the keys of actions work on a server. `upstream`: its upstream; `status`: undefined if none is chosen. */
export function useActionKeys(upstream: string, status: ServerStatus | undefined): void {
  const open = (key: string) => (): void => {
    const choice =
      status === undefined || !isByHand(status)
        ? undefined
        : choicesFor(status).find((each) => each.key === key);
    if (choice !== undefined && status !== undefined)
      openAction({ kind: choice.kind, upstream, id: status.id });
  };
  const keys = ["d", "s", "w", "e", "t", "x"].map((key): [string, () => void] => [key, open(key)]);
  useKeys({ ...Object.fromEntries(keys), a: () => openAction({ kind: "add", upstream, id: undefined }) });
}

export function ServerActions({ upstream, status }: { upstream: string; status: ServerStatus }) {
  const permission = usePermission();
  const isLimited = useLimited();
  if (!isByHand(status))
    return <p class="quiet">It can be changed only where it comes from ({originText(status)}).</p>;
  if (permission === "none") return <p class="quiet">Read-only: the gateway accepts no changes from here.</p>;
  const choices = choicesFor(status).filter(({ kind }) => !isLimited || !FULL_CHANGES.includes(kind));
  return (
    <div class="actions" role="group" aria-label="Actions">
      {choices.map(({ kind, label, key }) => (
        <button
          key={kind}
          type="button"
          aria-keyshortcuts={key}
          title={`Key ${key}`}
          onClick={() => openAction({ kind, upstream, id: status.id })}
        >
          {label}
        </button>
      ))}
      {permission === "token" && <p class="quiet">Changes need a token, which is asked for once.</p>}
    </div>
  );
}
