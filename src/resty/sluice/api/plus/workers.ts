import { list, record } from "../../lib/json";
import { reset_worker, workers, type Worker } from "../../store/memory/workers";
import { ok, reply, type Answered } from "../answer";
import { filter_object, wanted_fields } from "../fields";
import type { Handler, Route } from "../route";

/**
 * `/workers`: the requests of each worker that `log` is called for. nginx does not count connections by
 * worker.
 */

const worker_record = record("id pid http");
const requests_record = record("total current");

function worker_object({ id, pid, requests, active }: Worker): object {
  return worker_record({
    id,
    pid,
    http: { requests: requests_record({ total: requests, current: active }) },
  });
}

function get_all(this: void): Answered {
  const fields = wanted_fields();
  const objects: object[] = [];
  for (const worker of workers()) objects.push(filter_object(worker_object(worker), fields));
  return ok(list(objects));
}

function reset_all(this: void): Answered {
  for (const worker of workers()) reset_worker(worker);
  return reply(204);
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

/** Makes a handler of the worker that the path names. */
function of_worker(handler: (worker: Worker) => Answered): Handler {
  return ({ parameters }) => {
    const worker = find(parameters.worker);
    if (worker !== undefined) return handler(worker);
    const text = `worker with ID "${string.sub(parameters.worker, 1, 40)}" does not exist`;
    return $multi(undefined, { status: 404, code: "WorkerNotFound", text });
  };
}

const get_one = of_worker((worker) => ok(filter_object(worker_object(worker), wanted_fields())));

const reset_one = of_worker((worker) => {
  reset_worker(worker);
  return reply(204);
});

export const routes: Route[] = [
  { path: "workers", scope: "neutral", GET: get_all, DELETE: reset_all },
  { path: "workers/{worker}", scope: "neutral", GET: get_one, DELETE: reset_one },
];
