/** Why a caller's input is refused: what the HTTP API answers, and what `setup` raises as text. */
export interface Problem {
  /** HTTP status. */
  readonly status: number;
  /** The API's error code, such as `UpstreamBadWeight`. */
  readonly code: string;
  /** Names the field and the reason. */
  readonly text: string;
}

/** Input that does not have the documented form. */
export function format_problem(text: string): Problem {
  return { status: 400, code: "UpstreamConfFormatError", text };
}

/** A value that cannot be. `path` names the field, as in `sticky.cookie.name`. */
export function invalid_value(path: string, reason: string): Problem {
  return format_problem(`invalid "${path}" value: ${reason}`);
}

/** A field that must be given. */
export function missing_argument(path: string): Problem {
  return format_problem(`missing "${path}" argument`);
}

/** A field that there is not. */
export function unknown_parameter(name: unknown): Problem {
  return format_problem(`unknown parameter "${string.sub(tostring(name), 1, 64)}"`);
}
