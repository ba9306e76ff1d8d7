import type { SourceName } from "../config/discovery";
import { dns } from "./dns";
import { etcd } from "./etcd";
import { file } from "./file";
import type { Source } from "./source";

/** Every kind of registry, by its name in `discovery`. */
export const SOURCES = { dns, etcd, file } as Record<SourceName, Source>;
