import { new_method, new_zone_method } from "../../balancer/methods";
import type { Method } from "../../balancer/method";
import type { Document } from "../../store/document/document";
import type { Cell } from "../../store/memory/cells";
import type { UpstreamZones } from "./model";
import { surroundings_of } from "./surroundings";

/** The methods of an upstream, which prefer local servers if it has `zones`. */

interface Methods {
  primary: Method;
  backup: Method;
  /** The same methods if they prefer local servers. */
  zones: UpstreamZones | undefined;
}

/** Makes the methods of an upstream, without servers. `active`: its requests under way; `row`: its row. */
export function methods_of(document: Document, active: Cell, row: Cell): Methods {
  const surroundings = surroundings_of(active, row);
  if (document.zones?.prefer !== true) {
    return {
      primary: new_method(document, surroundings),
      backup: new_method(document, surroundings),
      zones: undefined,
    };
  }
  const { min_servers } = document.zones;
  const primary = new_zone_method(document, min_servers, surroundings);
  const backup = new_zone_method(document, min_servers, surroundings);
  return { primary, backup, zones: { primary, backup } };
}
