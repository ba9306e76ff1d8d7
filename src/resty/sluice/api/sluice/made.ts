import { is_made } from "../../config/discovery";
import type { Problem } from "../../config/problem";
import { current_template, describe_template } from "../../discovery/template/current";
import type { Document } from "../../store/document/document";
import { source_reports } from "../../store/source_status";

/** Upstreams that a template has made. */

/** Returns the problem of deleting an upstream that its registry would bring back at once. Any phase. */
export function check_made(name: string, { discovery }: Document): Problem | undefined {
  if (!is_made(discovery) || current_template() === undefined) return undefined;
  // Once the registry has no entries of it, the upstream only waits for its deletion.
  if ((source_reports.get(name)?.servers ?? 0) === 0) return undefined;
  const text =
    `upstream "${name}" comes from ${describe_template()}, which would make it again: ` +
    'remove its entries there, or PATCH it with {"discovery": null} first, which makes it independent';
  return { status: 409, code: "UpstreamMadeByTemplate", text };
}
