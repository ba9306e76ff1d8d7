import { useCallback, useEffect, useState } from "preact/hooks";
import { get, Refusal } from "../api/client";
import { serverPath } from "../model/paths";
import type { ServerConfig } from "../model/types";
import type { Action } from "../state/action";
import { detail } from "../state/detail";

/** A server's configuration and the ETag of its upstream, as they are now. */
export interface Base {
  /** Undefined: it is being read, or the action adds a server. */
  config: ServerConfig | undefined;
  etag: string | undefined;
  failure: Refusal | undefined;
}

/** Reads what an action begins with. Returns it and a function that reads it again. */
export function useConfig({ upstream, id }: Action): [Base, () => Promise<void>] {
  const isNew = id === undefined;
  const known = detail.get().name === upstream ? detail.get().etag : undefined;
  const [base, setBase] = useState<Base>({
    config: undefined,
    etag: isNew ? known : undefined,
    failure: undefined,
  });
  const read = useCallback(async () => {
    const path = isNew
      ? `${serverPath(upstream, 0).replace(/\/0$/, "")}?fields=id`
      : serverPath(upstream, id);
    try {
      const { body, etag } = await get<ServerConfig>(path);
      setBase({ config: isNew ? undefined : body, etag, failure: undefined });
    } catch (cause) {
      const failure = cause instanceof Refusal ? cause : new Refusal(0, "", String(cause));
      setBase({ config: undefined, etag: undefined, failure });
    }
  }, [upstream, id, isNew]);
  useEffect(() => void read(), [read]);
  return [base, read];
}
