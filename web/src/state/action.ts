import { Refusal, send } from "../api/client";
import type { Plan, PlannedRequest } from "../model/plan";
import { askNow } from "./feed";
import { say } from "./notice";
import { overview } from "./overview";
import { isLimited, permissionOf } from "./permission";
import { Store } from "./store";

/** The change that a person is about to make. */

export type Kind =
  "add" | "edit" | "weight" | "drain" | "keep" | "down" | "up" | "standby" | "service" | "delete";

export interface Action {
  kind: Kind;
  upstream: string;
  /** The server; undefined: for `add`. */
  id: number | undefined;
}

/** The changes that need more than the role "operate". */
export const FULL_CHANGES: readonly Kind[] = ["add", "edit", "delete"];

/** The action whose dialog is open, or that waits for a token. */
export const action = new Store<Action | undefined>(undefined);

/** Opens the dialog of an action, or says that nothing can be changed. */
export function openAction(next: Action): void {
  const { gateway } = overview.get();
  if (permissionOf(gateway) === "none") say("The gateway accepts no changes from here.", true);
  else if (isLimited(gateway) && FULL_CHANGES.includes(next.kind))
    say('This needs a token with the role "write".', true);
  else action.set(next);
}

function undoText(cause: unknown): string {
  if (cause instanceof Refusal && cause.status === 412)
    return "It could not be undone, because the upstream has changed meanwhile. Nothing was changed.";
  return `It could not be undone: ${cause instanceof Error ? cause.message : String(cause)}.`;
}

async function undo(request: PlannedRequest, ifMatch: string | undefined): Promise<void> {
  try {
    await send({ ...request, ifMatch });
    say("It was undone.");
  } catch (cause) {
    say(undoText(cause), true);
  }
  askNow();
}

/**
 * Makes a change. Throws a `Refusal` if it is refused.
 *
 * @param ifMatch the ETag of the upstream that the plan was made for
 * @param isForced whether the upstream may be left without an available server
 */
export async function carryOut(plan: Plan, ifMatch: string | undefined, isForced: boolean): Promise<void> {
  const { request } = plan;
  const path = isForced ? `${request.path}?force=true` : request.path;
  const { body, etag } = await send<unknown>({ ...request, path, ifMatch });
  const reverse = plan.undo?.(body);
  say(plan.done, false, reverse === undefined ? undefined : () => void undo(reverse, etag));
  askNow();
}
