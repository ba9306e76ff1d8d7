import { readToken } from "./token";

/** Requests to the API of the gateway that served this page. */

/** The path of the API: that of the page, without its last part. */
export const prefix = location.pathname.replace(/\/[^/]*\/?$/, "");

/** The time that an answer may take, in milliseconds. */
const LONGEST_WAIT = 10_000;

/** A request that was refused, or that got no answer. */
export class Refusal extends Error {
  /**
   * @param status the HTTP status; 0: there was no answer
   * @param code the API's error code; "": none
   */
  constructor(
    readonly status: number,
    readonly code: string,
    text: string,
  ) {
    super(text);
  }
}

export interface ApiRequest {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Below the prefix. */
  path: string;
  body?: Record<string, unknown> | undefined;
  /** The ETag that the upstream must have. */
  ifMatch?: string | undefined;
}

export interface ApiAnswer<Body> {
  status: number;
  body: Body;
  etag: string | undefined;
}

/** Returns the headers that every request has. */
export function commonHeaders(): Record<string, string> {
  const token = readToken();
  // With this header a refusal has no challenge that would let the browser ask for a password.
  const headers = { "X-Requested-With": "Sluice" };
  return token === undefined ? headers : { ...headers, Authorization: `Bearer ${token}` };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** Makes the refusal of an answer that is not a success. */
export function refusalOf(status: number, text: string): Refusal {
  try {
    const body: unknown = JSON.parse(text);
    const error = isObject(body) ? body.error : undefined;
    if (isObject(error)) return new Refusal(status, String(error.code), String(error.text));
  } catch {
    // Not JSON: nginx or a proxy has answered.
  }
  return new Refusal(status, "", `the answer is ${status}, and not from the API`);
}

/** Sends a request. Throws a `Refusal` if it is refused or gets no answer. */
export async function send<Body>(request: ApiRequest): Promise<ApiAnswer<Body>> {
  const { method, path, body, ifMatch } = request;
  const headers = commonHeaders();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (ifMatch !== undefined) headers["If-Match"] = ifMatch;
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(prefix + path, {
      method,
      headers,
      cache: "no-store",
      signal: AbortSignal.timeout(LONGEST_WAIT),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    text = await answer.text();
  } catch (cause) {
    const isLate = cause instanceof DOMException && cause.name === "TimeoutError";
    throw new Refusal(0, "", isLate ? "it has not answered within 10 s" : "it cannot be reached");
  }
  if (!answer.ok) throw refusalOf(answer.status, text);
  try {
    const parsed = (text === "" ? undefined : JSON.parse(text)) as Body;
    return { status: answer.status, body: parsed, etag: answer.headers.get("ETag") ?? undefined };
  } catch {
    throw new Refusal(answer.status, "", "the answer is not JSON, so it is not from the API");
  }
}

/** Reads a resource. */
export async function get<Body>(path: string): Promise<ApiAnswer<Body>> {
  return send<Body>({ method: "GET", path });
}
