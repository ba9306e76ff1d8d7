import type { Document } from "../../store/document/document";
import type { Binding } from "./model";
import { new_cookie_binding } from "./sticky_cookie";
import { new_route_binding } from "./sticky_route";

export function new_binding({ sticky, session_secret }: Document): Binding | undefined {
  if (sticky?.cookie !== undefined) return new_cookie_binding(sticky.cookie, session_secret ?? "");
  return sticky?.route === undefined ? undefined : new_route_binding(sticky.route);
}
