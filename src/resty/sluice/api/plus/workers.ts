import { list, shape, shaped } from "../../lib/json";
import { reset_worker, workers, type Worker } from "../../store/memory/slots";
import { ok, type Answered } from "../answer";
import { filter_object, wanted_fields } from "../fields";
import type { ApiRequest } from "../request";
import type { Route } from "../route";

/**
 * `/workers`: the requests of each worker that `log` is called for. nginx does not count connections by
 * worker.
 */

const WORKER = shape(["id", "pid", "http"]);
const REQUESTS = shape(["total", "current"]);

function worker_object({ id, pid, requests, active }: Worker): object {
  return shaped(
    { id, pid, http: { requests: shaped({ total: requests, current: active }, REQUESTS) } },
    WORKER,
  );
}

function get_all(this: void): Answered {
  const fields = wanted_fields();
  const objects: object[] = [];
  for (const worker of workers()) objects.push(filter_object(worker_object(worker), fields));
  return ok(list(objects));
}

function reset_all(this: void): Answered {
  for (const worker of workers()) reset_worker(worker);
  return $multi({ status: 204 }, undefined);
}

/** Finds a worker by its id: the newer one, while one of an earlier configuration is shutting down. */
function find(id: string): Worker | undefined {
  let found: Worker | undefined;
  for (const worker of workers()) {
    const is_later = found === undefined || worker.generation > found.generation;
    if (id === string.format("%d", worker.id) && is_later) found = worker;
  }
  return found;
}

function not_found(id: string): Answered {
  const text = `worker with ID "${string.sub(id, 1, 40)}" does not exist`;
  return $multi(undefined, { status: 404, code: "WorkerNotFound", text });
}

function get_one(this: void, request: ApiRequest): Answered {
  const worker = find(request.parameters.worker);
  if (worker === undefined) return not_found(request.parameters.worker);
  return ok(filter_object(worker_object(worker), wanted_fields()));
}

function reset_one(this: void, request: ApiRequest): Answered {
  const worker = find(request.parameters.worker);
  if (worker === undefined) return not_found(request.parameters.worker);
  reset_worker(worker);
  return $multi({ status: 204 }, undefined);
}

export const routes: Route[] = [
  { path: "workers", GET: get_all, DELETE: reset_all },
  { path: "workers/{worker}", GET: get_one, DELETE: reset_one },
];
