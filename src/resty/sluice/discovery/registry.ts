import type { SourceName } from "../config/discovery";
import { consul } from "./consul";
import { consul_kv } from "./consul_kv";
import { etcd } from "./etcd";
import { kubernetes } from "./kubernetes";
import type { Source } from "./source";

/** Every kind of registry, by its name in `discovery`. */
export const SOURCES = { consul, consul_kv, etcd, kubernetes } as Record<SourceName, Source>;
