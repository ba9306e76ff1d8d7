import { KINDS, source_of, type DiscoveryBlock } from "../../config/discovery";
import { is_table } from "../../lib/json";
import type { Document } from "../../store/document";

/** What registries are asked with is told to nobody; a client that sends back what it got leaves it as it is. */

const HIDDEN = "***";

/** The `discovery` of an upstream as it is shown. */
export function without_secrets(discovery: DiscoveryBlock | undefined): DiscoveryBlock | undefined {
  const name = source_of(discovery);
  if (discovery === undefined || name === undefined) return discovery;
  const block = discovery[name] as unknown as Record<string, unknown>;
  const shown: Record<string, unknown> = { ...block };
  for (const secret of KINDS[name].secrets) {
    if (shown[secret] !== undefined) shown[secret] = HIDDEN;
  }
  const copy = { ...discovery, [name]: setmetatable(shown, getmetatable(block) as LuaMetatable<object>) };
  return setmetatable(copy, getmetatable(discovery) as LuaMetatable<DiscoveryBlock>);
}

/** Puts the secrets of an upstream in the place of those that are hidden in a change of it. */
export function restore_secrets(input: Record<string, unknown>, current: Document | undefined): void {
  const name = source_of(current?.discovery);
  const given = is_table(input.discovery) && name !== undefined ? input.discovery[name] : undefined;
  if (name === undefined || !is_table(given)) return;
  const known = current?.discovery?.[name] as unknown as Record<string, unknown>;
  for (const secret of KINDS[name].secrets) {
    if (given[secret] === HIDDEN) given[secret] = known[secret];
  }
}
