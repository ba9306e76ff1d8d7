import type { NewMethod } from "./method";
import { new_round_robin } from "./round_robin";

/** The methods by nginx's names. */
export const METHODS: Record<string, NewMethod> = {
  round_robin: new_round_robin,
};
