import type { Role } from "../config/access";
import type { Answered } from "./answer";
import type { ApiRequest } from "./request";

export type Handler = (this: void, request: ApiRequest) => Answered;

export const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
export type MethodName = (typeof METHODS)[number];

/** A path, with variable parts written as `{name}`, and a handler for each method. */
export interface Route {
  path: string;
  /** A page without data: any client may GET it, and a link of another site may lead to it. */
  is_page?: true;
  /**
   * The roles of which a client needs one, by method. Default: `read` for GET, and `write` for the others.
   * openapi/ has them as `x-role`.
   */
  roles?: Partial<Record<MethodName, readonly Role[]>>;
  /**
   * What clients that see only some upstreams may do. Default: what concerns an upstream that they see, which
   * the part `{name}` of the path names; nothing without such a part. `filtered`: everything, because the
   * handler looks at the client. `neutral`: GET, because it shows nothing of any upstream.
   */
  scope?: "filtered" | "neutral";
  GET?: Handler;
  POST?: Handler;
  PUT?: Handler;
  PATCH?: Handler;
  DELETE?: Handler;
}
