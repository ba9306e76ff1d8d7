/** Why a caller's input is refused: the HTTP API answers with it, and `setup` raises its text. */
export interface Problem {
  readonly status: number;
  /** The API's error code, such as `UpstreamBadWeight`. */
  readonly code: string;
  /** Names the field and the reason. */
  readonly text: string;
  /** The problems of a change of several upstreams; absent: this one is the only one. */
  readonly problems?: readonly object[];
  /** The path of the field, such as `servers[0].weight`; absent: there is none. */
  readonly field?: string;
}

/** Makes the problem of input that does not have the documented form. */
export function format_problem(text: string): Problem {
  return { status: 400, code: "UpstreamConfFormatError", text };
}

/** Makes the problem of a wrong value. `path` names the field, such as `sticky.cookie.name`. */
export function invalid_value(path: string, reason: string): Problem {
  return { ...format_problem(`invalid "${path}": ${reason}`), field: path };
}

/** Makes the problem of a required field that is absent. */
export function missing_value(path: string): Problem {
  return invalid_value(path, "must be given");
}

/** Makes the problem of a field that does not exist. */
export function unknown_parameter(name: unknown): Problem {
  const text = `unknown parameter "${string.sub(tostring(name), 1, 64)}"`;
  return { ...format_problem(text), field: tostring(name) };
}
