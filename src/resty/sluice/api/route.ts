import type { Answered } from "./answer";
import type { ApiRequest } from "./request";

type Handler = (this: void, request: ApiRequest) => Answered;

/** A path, its variable parts written as `{name}`, and what answers each method. */
export interface Route {
  path: string;
  GET?: Handler;
  POST?: Handler;
  PUT?: Handler;
  PATCH?: Handler;
  DELETE?: Handler;
}
