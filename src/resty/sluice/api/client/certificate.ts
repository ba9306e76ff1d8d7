import type { ApiOptions } from "../../config/options";
import type { Client } from "./client";

/** Clients with a TLS certificate. nginx verifies it; `api.certificates` tells what its subject may do. */

/** Returns the client of a verified certificate that has a role; undefined: none. Phase: content_by_lua. */
export function certified_client({ certificates }: ApiOptions): Client | undefined {
  if (certificates === undefined) return undefined;
  // Anything else, such as "FAILED:unable to verify", is a certificate that anyone could have made.
  if (ngx.var.ssl_client_verify !== "SUCCESS") return undefined;
  const subject = ngx.var.ssl_client_s_dn;
  const found = subject === undefined ? undefined : certificates.get(subject);
  if (subject === undefined || found === undefined) return undefined;
  return { name: subject, kind: "certificate", role: found.role, upstreams: found.upstreams };
}
