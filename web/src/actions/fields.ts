import type { Settings } from "../model/plans";
import type { ServerConfig } from "../model/types";

/** The fields of the forms for servers. */

export interface Field {
  name: keyof Settings;
  label: string;
  hint: string;
  isFlag?: boolean;
  isNumber?: boolean;
}

export const EDITABLE: readonly Field[] = [
  { name: "server", label: "Address", hint: "ip:port, [ipv6]:port or unix:/path" },
  { name: "weight", label: "Weight", hint: "share of the requests", isNumber: true },
  {
    name: "max_conns",
    label: "max_conns",
    hint: "most requests at a time; 0: no limit; adaptive: found by the gateway",
    isNumber: true,
  },
  {
    name: "max_fails",
    label: "max_fails",
    hint: "failures that make it unavailable; 0: none",
    isNumber: true,
  },
  { name: "fail_timeout", label: "fail_timeout", hint: "for how long, such as 10s" },
  { name: "slow_start", label: "slow_start", hint: "time in which the weight rises, such as 30s" },
  { name: "route", label: "route", hint: "name for sticky routes" },
  { name: "zone", label: "zone", hint: "where the server runs, such as eu-1a" },
];

/** Fields that only a new server has. */
const ONLY_NEW: readonly Field[] = [
  { name: "backup", label: "backup", hint: "used only while no primary server is available", isFlag: true },
  { name: "standby", label: "standby", hint: "no requests until it is taken into service", isFlag: true },
  { name: "down", label: "down", hint: "no requests until it is brought up", isFlag: true },
];

export const ADDABLE: readonly Field[] = [...EDITABLE, ...ONLY_NEW];

/** The values of a form: texts, and flags. */
export type Values = Partial<Record<keyof Settings, string | boolean>>;

/** Returns the values that show a configuration. */
export function valuesOf(config: ServerConfig, fields: readonly Field[]): Values {
  return Object.fromEntries(
    fields.map(({ name, isFlag }) => [
      name,
      isFlag === true ? config[name] === true : String(config[name] ?? ""),
    ]),
  );
}

/** Returns settings from the values of a form. Digits become a number; the gateway judges everything else. */
export function settingsOf(values: Values, fields: readonly Field[]): Settings {
  const entries = fields.flatMap(({ name, isNumber }): [string, unknown][] => {
    const value = values[name];
    if (value === undefined) return [];
    const isWhole = isNumber === true && typeof value === "string" && /^\d{1,15}$/.test(value.trim());
    return [[name, isWhole ? Number(value) : typeof value === "string" ? value.trim() : value]];
  });
  return Object.fromEntries(entries);
}

/** Returns what a new server needs: no empty fields, and no flags that are off. */
export function withoutDefaults(settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== "" && value !== false));
}
