import type { Answered } from "./answer";
import type { ApiRequest } from "./request";

export type Handler = (this: void, request: ApiRequest) => Answered;

/** A path, with variable parts written as `{name}`, and a handler for each method. */
export interface Route {
  path: string;
  /** A page without data: any client may GET it, and a link of another site may lead to it. */
  is_page?: true;
  GET?: Handler;
  POST?: Handler;
  PUT?: Handler;
  PATCH?: Handler;
  DELETE?: Handler;
}
