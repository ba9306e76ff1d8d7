import { Failure } from "../failure";

/** One of the problems of a refused change. */
export interface Problem {
  /** Such as `upstreams.app.servers[0].weight`. */
  path: string;
  code: string;
  text: string;
}

/** An answer of the API that is not a success. */
export class Refusal extends Failure {
  constructor(
    readonly status: number,
    /** The API's error code; "": something else than the API has answered. */
    readonly code: string,
    readonly text: string,
    readonly problems: readonly Problem[] = [],
  ) {
    super(withHint(text, code));
  }
}

/** What the user can do about the codes that need more than their text. */
const HINTS: Record<string, string> = {
  Unauthorized: "give one with --token-file or SLUICE_TOKEN_FILE",
  WouldEmptyUpstream: "with --force it is done anyway",
  OwnerConflict: "with --force it changes its owner",
  TooManyRemoved: "raise --max-removal if that is intended",
  PathNotFound: "this gateway is older than the command",
  StoreBusy: "try again",
  ClusterUnavailable: "compare with `sluice diff` before you try again",
};

/** Returns a text of the API with what the user of the command can do about it. */
export function withHint(text: string, code: string): string {
  const hint = HINTS[code];
  // The API's own hints are for users of curl.
  return hint === undefined ? text : `${text.replace(/: add \?force=true.*$/, "")}: ${hint}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function textIn(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function problemsIn(value: unknown): Problem[] {
  const items = Array.isArray(value) ? value.filter(isObject) : [];
  return items.map(({ path, code, text }) => ({
    path: textIn(path),
    code: textIn(code),
    text: textIn(text),
  }));
}

/** Makes the refusal of an answer. */
export function refusalOf(status: number, text: string, address: string): Refusal {
  try {
    const body: unknown = JSON.parse(text);
    const error = isObject(body) ? body.error : undefined;
    if (isObject(body) && isObject(error)) {
      const problems = problemsIn(body.problems);
      return new Refusal(status, String(error.code), String(error.text), problems);
    }
  } catch {
    // Not JSON: nginx or a proxy has answered.
  }
  if (status === 413)
    return new Refusal(
      status,
      "",
      "the body is too large for nginx: raise client_max_body_size of the API's location",
    );
  const reason = `${address} answers ${status}, but not from the API of Sluice: check --address and its path`;
  return new Refusal(status, "", reason);
}
