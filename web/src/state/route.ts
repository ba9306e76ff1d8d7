import { routeOf, type Route } from "../model/route";
import { Store } from "./store";

/** The view that the URL names. */
export const route = new Store<Route>(routeOf(location.hash));

addEventListener("hashchange", () => route.set(routeOf(location.hash)));

/** Opens a view. */
export function go(hash: string): void {
  location.hash = hash;
}
