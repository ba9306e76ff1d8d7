import { consequences } from "../model/consequences";
import type { Plan } from "../model/plan";
import { planAdd, planDelete, planDrain, planKeep, planSet, type Settings } from "../model/plans";
import type { ServerConfig } from "../model/types";
import type { Action, Kind } from "../state/action";
import { detail } from "../state/detail";
import type { DrainChoice } from "./drain_form";
import { ADDABLE, EDITABLE, settingsOf, withoutDefaults, type Values } from "./fields";

/** Makes the plan of an action from what a person has entered. */

export const TITLES: Record<Kind, string> = {
  add: "Add a server",
  edit: "Edit",
  weight: "Change the weight of",
  drain: "Drain",
  keep: "Stop draining",
  down: "Take down",
  up: "Bring up",
  standby: "Put on standby",
  service: "Take into service",
  delete: "Delete",
};

/** What the button that makes the change says. */
export const VERBS: Record<Kind, string> = {
  ...TITLES,
  add: "Add it",
  edit: "Save",
  weight: "Change it",
};

/** Actions that take a server away from its clients. */
export function isDangerous(kind: Kind): boolean {
  return kind === "delete" || kind === "down";
}

/** What a person has entered. */
export interface Entered {
  values: Values;
  drain: DrainChoice;
}

/** Returns what the action means for the requests of now. */
function notesFor({ upstream, id }: Action): string[] {
  const { name, status } = detail.get();
  const server = name === upstream ? status?.servers.find((each) => each.id === id) : undefined;
  return status === undefined || server === undefined ? [] : consequences(server, status);
}

const SETTINGS: Partial<Record<Kind, Settings>> = {
  down: { down: true },
  up: { down: false },
  standby: { standby: true },
  service: { standby: false },
};

/** Returns the plan; undefined: nothing would change. */
export function planOf(action: Action, config: ServerConfig | undefined, entered: Entered): Plan | undefined {
  const { kind, upstream } = action;
  if (kind === "add") return planAdd(upstream, withoutDefaults(settingsOf(entered.values, ADDABLE)));
  if (config === undefined) return undefined;
  const target = { upstream, config };
  switch (kind) {
    case "edit":
    case "weight":
      return planSet(target, settingsOf(entered.values, EDITABLE));
    case "drain":
      return entered.drain.isRemoved
        ? planDrain(target, entered.drain.deadline.trim(), notesFor(action))
        : planSet(target, { drain: true }, notesFor(action));
    case "keep": {
      const { status } = detail.get();
      const isJob = status?.servers.find(({ id }) => id === config.id)?.drain_job === true;
      return isJob ? planKeep(target) : planSet(target, { drain: false });
    }
    case "delete":
      return planDelete(target, notesFor(action));
    default: {
      const takesAway = kind === "down" || kind === "standby";
      return planSet(target, SETTINGS[kind] ?? {}, takesAway ? notesFor(action) : []);
    }
  }
}
