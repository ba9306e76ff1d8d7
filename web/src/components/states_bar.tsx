import { STATES } from "../model/severity";
import type { ServerState } from "../model/types";
import { count } from "../model/words";
import { Icon } from "./icon";

type States = Partial<Record<ServerState, number>>;

/** The states in the order of the bar: the healthy ones first. */
const IN_BAR = [...STATES].reverse();

function present(states: States): [ServerState, number][] {
  return IN_BAR.flatMap((state): [ServerState, number][] => {
    const number = states[state] ?? 0;
    return number > 0 ? [[state, number]] : [];
  });
}

/** A bar with a part for each state. It is decoration: a text beside it has the numbers. */
export function StatesBar({ states }: { states: States }) {
  return (
    <span class="states-bar" aria-hidden="true">
      {present(states).map(([state, number]) => (
        <span key={state} class={`part fill-${state}`} style={{ flexGrow: number }} />
      ))}
    </span>
  );
}

/** The number of servers in each state, with the shape of the state. */
export function StatesLegend({ states }: { states: States }) {
  return (
    <ul class="legend">
      {present(states).map(([state, number]) => (
        <li key={state}>
          <Icon shape={state} size={10} />
          <b>{count(number)}</b> {state}
        </li>
      ))}
    </ul>
  );
}

/** Returns the states that are not "up" in words; "": all are up. */
export function otherStates(states: States): string {
  return present(states)
    .filter(([state]) => state !== "up")
    .map(([state, number]) => `${count(number)} ${state}`)
    .join(", ");
}
