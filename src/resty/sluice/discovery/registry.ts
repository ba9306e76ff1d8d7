import type { SourceName } from "../config/discovery";
import { etcd } from "./etcd";
import type { Source } from "./source";

/** Every kind of registry, by its name in `discovery`. */
export const SOURCES = { etcd } as Record<SourceName, Source>;
