import type { Result } from "../../lib/result";
import type { Schema } from "../../lib/schema";
import { get_object, is_withheld, type KubernetesClient } from "./client";

/** Reads the part of a Kubernetes service that its slices do not contain. */

interface Service {
  spec?: { ipFamilies?: string[] };
}

const SERVICE: Schema = { members: { spec: { members: { ipFamilies: { items: "string" } } } } };

/** The family of a service that names none or must not be read. */
const USUAL_FAMILY = "IPv4";

/** Reads the first address family of a service: `IPv4`, also without permission to read it, or `IPv6`. */
export function first_family(client: KubernetesClient): Result<string> {
  const [service, cause] = get_object<Service>(client, client.service_uri, SERVICE);
  if (service !== undefined) return $multi(service.spec?.ipFamilies?.[0] ?? USUAL_FAMILY, undefined);
  if (is_withheld(cause ?? "")) return $multi(USUAL_FAMILY, undefined);
  return $multi(undefined, cause);
}
