import type { Memory } from "./memory";

export function consul(this: void, _memory: Memory): string | undefined {
  return "not yet";
}
