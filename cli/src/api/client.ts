import { request as requestPlainly, type IncomingMessage, type RequestOptions } from "node:http";
import { request as requestSecurely } from "node:https";
import { text as textOf } from "node:stream/consumers";
import { codeOf, Failure, messageOf } from "../failure";
import type { Place } from "./place";
import { refusalOf } from "./refusal";

/** Sends requests to the API of a gateway. */

/** What the command proves itself with, and what it trusts. */
export interface Credentials {
  token?: string | undefined;
  /** Certificates of authorities, and the client's own certificate and key, in PEM. */
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  /** Accept any certificate of the gateway. */
  insecure: boolean;
}

export interface ApiRequest {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below the prefix, with its query. */
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
  /** Time that the gateway may take in addition, in milliseconds. */
  patience?: number;
}

export interface ApiAnswer<Body> {
  body: Body;
  etag: string | undefined;
}

/** The time without any byte after which a request is given up, in milliseconds. */
const LONGEST_SILENCE = 30_000;

const CONNECT_CAUSES: Record<string, string> = {
  ECONNREFUSED: "connection refused",
  ENOENT: "there is no such socket",
  EACCES: "permission denied",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "its name could not be resolved",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
};

/** OpenSSL's and Node's codes of certificates that are not trusted. */
const isCertificateCode = (code: string) => /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ERR_TLS_CERT/.test(code);

function failureOf(cause: unknown, place: Place, isRead: boolean): Failure {
  if (cause instanceof Failure) return cause;
  const code = codeOf(cause);
  const { shown } = place;
  const known = CONNECT_CAUSES[code];
  if (known !== undefined)
    return new Failure(
      `could not reach ${shown}: ${known}: start the gateway, or name its API with --address`,
    );
  if (isCertificateCode(code))
    return new Failure(
      `could not trust ${shown}: ${messageOf(cause)}: name the certificate of its authority with --ca-file`,
    );
  const text = `${shown} has not answered: ${messageOf(cause)}`;
  return new Failure(isRead ? text : `${text}: the change may have been made, look with \`sluice get\``);
}

export class Client {
  constructor(
    readonly place: Place,
    private readonly credentials: Credentials,
  ) {}

  /** Sends a request. Throws a `Refusal` if the API refuses it, and a `Failure` if it does not answer. */
  async send<Body>(request: ApiRequest): Promise<ApiAnswer<Body>> {
    try {
      const response = await this.begin(request);
      const text = await textOf(response);
      return { body: this.parse<Body>(text), etag: response.headers.etag };
    } catch (cause) {
      throw failureOf(cause, this.place, request.method === "GET");
    }
  }

  async get<Body>(path: string): Promise<Body> {
    return (await this.send<Body>({ method: "GET", path })).body;
  }

  /** Opens a stream that does not end. The caller reads it. */
  async open(path: string, headers: Record<string, string>, patience: number): Promise<IncomingMessage> {
    try {
      return await this.begin({ method: "GET", path, headers, patience });
    } catch (cause) {
      throw failureOf(cause, this.place, true);
    }
  }

  private parse<Body>(text: string): Body {
    try {
      return (text === "" ? undefined : JSON.parse(text)) as Body;
    } catch {
      throw new Failure(`${this.place.shown} answers, but not in JSON: check --address and its path`);
    }
  }

  private options({ method, path, headers = {} }: ApiRequest, body: string | undefined): RequestOptions {
    const { host, port, socketPath, prefix } = this.place;
    const { token, insecure, ca, cert, key } = this.credentials;
    const tls = { rejectUnauthorized: !insecure, ca, cert, key };
    return {
      ...(socketPath === undefined ? { host, port, ...tls } : { socketPath }),
      agent: false,
      method,
      path: `${prefix}${path}`,
      headers: {
        Accept: "application/json",
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...(body === undefined
          ? {}
          : { "Content-Type": "application/json", "Content-Length": String(Buffer.byteLength(body)) }),
        ...headers,
      },
    };
  }

  /** Sends a request, and waits for the beginning of a successful answer. */
  private async begin(request: ApiRequest): Promise<IncomingMessage> {
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const send = this.place.isSecure ? requestSecurely : requestPlainly;
    const silence = LONGEST_SILENCE + (request.patience ?? 0);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      let isAnswered = false;
      const sent = send(this.options(request, body), (received) => {
        isAnswered = true;
        resolve(received);
      });
      sent.setTimeout(silence, () => sent.destroy(new Error(`no byte within ${silence / 1000} s`)));
      // A gateway may answer before it has read a large body, and close the connection.
      sent.on("error", (cause) => isAnswered || reject(cause));
      sent.end(body);
    });
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    throw refusalOf(status, await textOf(response), this.place.shown);
  }
}
