import { useEffect, useState } from "preact/hooks";
import { get, Refusal } from "../api/client";

export type Resource<Body> = { body: Body } | { failure: Refusal } | "loading";

/**
 * Reads a resource when a view opens, and again when its version changes.
 *
 * @param path below the API's prefix
 * @param version such as a revision
 */
export function useResource<Body>(path: string, version: unknown): Resource<Body> {
  const [resource, setResource] = useState<{ path: string; value: Resource<Body> }>({
    path,
    value: "loading",
  });
  useEffect(() => {
    let isCurrent = true;
    const take = (value: Resource<Body>): void => {
      if (isCurrent) setResource({ path, value });
    };
    get<Body>(path).then(
      ({ body }) => take({ body }),
      (cause: unknown) =>
        take({ failure: cause instanceof Refusal ? cause : new Refusal(0, "", String(cause)) }),
    );
    return () => {
      isCurrent = false;
    };
  }, [path, version]);
  return resource.path === path ? resource.value : "loading";
}
