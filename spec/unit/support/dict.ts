import { open_dict } from "../../../src/resty/sluice/store/memory/dict";

/** Makes an empty shared dict and, if there is no `ngx`, an `ngx` whose log is discarded. */
export function make_dict(): void {
  const values = new LuaTable<string, string | number>();
  const get = (key: string) => values.get(key) as string | number | undefined;
  const dict: SharedDict = {
    get(this: SharedDict, key) {
      return $multi(get(key), undefined);
    },
    safe_set(this: SharedDict, key, value) {
      values.set(key, value);
      return $multi(true, undefined);
    },
    safe_add(this: SharedDict, key, value) {
      if (values.has(key)) return $multi(undefined, "exists");
      values.set(key, value);
      return $multi(true, undefined);
    },
    delete(this: SharedDict, key) {
      values.delete(key);
    },
    incr(this: SharedDict, key, by) {
      const before = get(key);
      if (before === undefined) return $multi(undefined, "not found");
      values.set(key, (before as number) + by);
      return $multi(get(key) as number, undefined);
    },
    get_keys(this: SharedDict) {
      const keys: string[] = [];
      for (const [key] of pairs(values)) keys.push(key);
      return keys;
    },
    capacity(this: SharedDict) {
      return 0;
    },
    free_space(this: SharedDict) {
      return 0;
    },
  };
  const globals = _G as unknown as { ngx?: { log: () => void; shared?: object } };
  // A spec that imports nginx_stub.ts has an `ngx` with a log already.
  const nginx = globals.ngx ?? {
    log: () => {
      // The log is discarded.
    },
  };
  nginx.shared = { sluice: dict };
  globals.ngx = nginx;
  open_dict("sluice");
}
