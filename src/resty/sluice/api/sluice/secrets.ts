import { KINDS, source_of, type DiscoveryBlock } from "../../config/discovery";
import { invalid_value, type Problem } from "../../config/problem";
import { encode, is_table } from "../../lib/json";
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

/** Where a source is asked: a secret is not sent anywhere else. */
function place_of({ address, endpoints, tls }: Record<string, unknown>): string {
  return encode({ address, endpoints, tls });
}

/**
 * Puts the secrets of an upstream in the place of those that are hidden in a change of it. Returns the problem when one is
 * hidden that is not known, or that would go to another address.
 */
export function restore_secrets(
  input: Record<string, unknown>,
  current: Document | undefined,
): Problem | undefined {
  const { discovery } = input;
  if (!is_table(discovery)) return undefined;
  for (const [name, { secrets }] of pairs(KINDS)) {
    const given = discovery[name];
    const known = current?.discovery?.[name] as Record<string, unknown> | undefined;
    for (const secret of is_table(given) ? secrets : []) {
      const block = given as Record<string, unknown>;
      if (block[secret] === HIDDEN) {
        const is_known = known !== undefined && place_of(block) === place_of(known);
        if (!is_known) return invalid_value(`discovery.${name}.${secret}`, "it has to be given anew");
        block[secret] = known?.[secret];
      }
    }
  }
  return undefined;
}
