import { get } from "../api/client";
import { keepToken, readToken } from "../api/token";
import type { GatewayStatus } from "../model/types";
import { askNow } from "./feed";
import { restartStream } from "./events";
import { overview } from "./overview";
import { useSelected } from "./store";

/** Whether this page may change anything. */

/** "token": with a token that may write. "none": the gateway accepts no changes from here. */
export type Permission = "write" | "token" | "none";

export function permissionOf(gateway: GatewayStatus | undefined): Permission {
  if (gateway === undefined) return "none";
  if (gateway.may_write) return "write";
  return gateway.write_needs_token ? "token" : "none";
}

/** Tells whether the credentials permit only some changes of servers: no new, edited or deleted ones. */
export function isLimited(gateway: GatewayStatus | undefined): boolean {
  return gateway?.may_write === true && gateway.role === "operate";
}

/** Returns whether only some changes are permitted, and renders the component again when it changes. */
export function useLimited(): boolean {
  return useSelected(overview, ({ gateway }) => isLimited(gateway));
}

/** Returns the permission, and renders the component again when it changes. */
export function usePermission(): Permission {
  return useSelected(overview, ({ gateway }) => permissionOf(gateway));
}

/** Asks for nothing but what the credentials may do. */
async function probe(): Promise<GatewayStatus> {
  return (await get<GatewayStatus>("/sluice/1/status?upstream=,")).body;
}

/** Changes what is known of the permission, before the next status says so. */
function note({ role, may_write, write_needs_token }: GatewayStatus): void {
  const known = overview.get();
  if (known.gateway === undefined) return;
  overview.set({ ...known, gateway: { ...known.gateway, role, may_write, write_needs_token } });
}

/**
 * Keeps a token if the gateway accepts it. Throws a `Refusal` if not.
 *
 * @param mustWrite whether it must also permit changes
 * @returns whether it was kept
 */
export async function tryToken(token: string, mustWrite: boolean): Promise<boolean> {
  const before = readToken();
  keepToken(token);
  try {
    const status = await probe();
    if (mustWrite && !status.may_write) {
      keepToken(before);
      return false;
    }
    note(status);
  } catch (cause) {
    keepToken(before);
    throw cause;
  }
  askNow();
  restartStream();
  return true;
}

/** Forgets the token. */
export function forgetToken(): void {
  keepToken(undefined);
  const known = overview.get();
  if (known.gateway !== undefined)
    overview.set({ ...known, gateway: { ...known.gateway, may_write: false } });
  askNow();
  restartStream();
}
