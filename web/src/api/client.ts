import { ListReader } from "./list_reader";
import { newPause } from "./pause";
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

/** Sends a request, and waits for the beginning of the answer. */
async function exchange({ method, path, body, ifMatch }: ApiRequest): Promise<Response> {
  const headers = commonHeaders();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (ifMatch !== undefined) headers["If-Match"] = ifMatch;
  const answer = await fetch(prefix + path, {
    method,
    headers,
    cache: "no-store",
    signal: AbortSignal.timeout(LONGEST_WAIT),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw refusalOf(answer.status, await answer.text());
  return answer;
}

function failureOf(cause: unknown): Refusal {
  if (cause instanceof Refusal) return cause;
  if (cause instanceof SyntaxError) return new Refusal(0, "", "its answer is not JSON");
  const isLate = cause instanceof DOMException && cause.name === "TimeoutError";
  return new Refusal(0, "", isLate ? "it has not answered within 10 s" : "it cannot be reached");
}

function etagOf(answer: Response): string | undefined {
  return answer.headers.get("ETag") ?? undefined;
}

/** Sends a request. Throws a `Refusal` if it is refused or gets no answer. */
export async function send<Body>(request: ApiRequest): Promise<ApiAnswer<Body>> {
  try {
    const answer = await exchange(request);
    const text = await answer.text();
    return { body: (text === "" ? undefined : JSON.parse(text)) as Body, etag: etagOf(answer) };
  } catch (cause) {
    throw failureOf(cause);
  }
}

/** Reads a resource. */
export async function get<Body>(path: string): Promise<ApiAnswer<Body>> {
  return send<Body>({ method: "GET", path });
}

/** The longest piece of an answer that is parsed at once, in characters. */
const LONGEST_PIECE = 32768;

/** Reads a resource with a long list, in slices. `member`: the list's name. */
export async function getLong<Body>(path: string, member: string): Promise<ApiAnswer<Body>> {
  try {
    const answer = await exchange({ method: "GET", path });
    const reader = new ListReader(member);
    const pause = newPause();
    const pieces = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    for (let piece = await pieces?.read(); piece?.done === false; piece = await pieces?.read()) {
      for (let from = 0; from < piece.value.length; from += LONGEST_PIECE) {
        reader.push(piece.value.slice(from, from + LONGEST_PIECE));
        if (pause.isDue()) await pause.next();
      }
    }
    return { body: reader.end() as Body, etag: etagOf(answer) };
  } catch (cause) {
    throw failureOf(cause);
  }
}
