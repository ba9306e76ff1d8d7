import { names } from "../../store/document/read";
import { covers, covers_all, type Client } from "./client";

/** Returns the names of the upstreams that a client sees, sorted. Any phase. */
export function visible_names(client: Client): string[] {
  const all = names();
  if (covers_all(client)) return all;
  const seen: string[] = [];
  for (const name of all) {
    if (covers(client, name)) seen.push(name);
  }
  return seen;
}
