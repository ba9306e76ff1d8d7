import type { Schema } from "../../lib/schema";
import { get_object, is_withheld, type KubernetesClient } from "./client";

/** A service of Kubernetes, as far as its slices do not say it. */

interface Service {
  spec?: { ipFamilies?: string[] };
}

const SERVICE: Schema = { members: { spec: { members: { ipFamilies: { items: "string" } } } } };

/** What is used when the service does not say, or may not be read. */
const USUAL_FAMILY = "IPv4";

/**
 * Asks for the first address family of a service: `IPv4` or `IPv6`. A service account that may read slices
 * only gets `IPv4`. Phases that have light threads.
 *
 * @returns the family, or undefined and the cause
 */
export function first_family(
  client: KubernetesClient,
): LuaMultiReturn<[string | undefined, string | undefined]> {
  const [service, cause] = get_object<Service>(client, client.service_uri, SERVICE);
  if (service !== undefined) return $multi(service.spec?.ipFamilies?.[0] ?? USUAL_FAMILY, undefined);
  if (is_withheld(cause ?? "")) return $multi(USUAL_FAMILY, undefined);
  return $multi(undefined, cause);
}
