/** A change of an upstream, before it is made: the request, and what it does. */

/** A value that changes. */
export interface Change {
  name: string;
  before: string;
  after: string;
}

export interface PlannedRequest {
  method: "POST" | "PATCH" | "DELETE";
  /** Below the API's prefix. */
  path: string;
  body?: Record<string, unknown>;
}

export interface Plan {
  request: PlannedRequest;
  changes: Change[];
  /** What a person should know before it is made. */
  notes: string[];
  /** What to say when it has been made. */
  done: string;
  /** Returns the request that undoes it, from the body of the answer; undefined: it cannot be undone. */
  undo?: (answer: unknown) => PlannedRequest | undefined;
}

/** Returns a value of a configuration as text. */
export function valueText(value: string | number | boolean | undefined): string {
  if (value === true) return "yes";
  if (value === false || value === undefined) return "no";
  return value === "" ? "none" : String(value);
}

/** Returns a request as it is sent, without what all requests have. */
export function requestText(
  { method, path, body }: PlannedRequest,
  prefix: string,
  ifMatch?: string,
): string {
  const lines = [`${method} ${prefix}${path}`];
  if (ifMatch !== undefined) lines.push(`If-Match: ${ifMatch}`);
  if (body !== undefined) lines.push("", JSON.stringify(body));
  return lines.join("\n");
}
