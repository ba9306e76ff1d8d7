import type { SourceName } from "../config/discovery";
import { consul } from "./consul";
import { consul_kv } from "./consul_kv";
import { dns } from "./dns";
import { etcd } from "./etcd";
import { file } from "./file";
import { kubernetes } from "./kubernetes";
import type { Source } from "./source";

/** The sources by their names in `discovery`. */
export const SOURCES: Record<SourceName, Source> = { etcd, consul, consul_kv, dns, kubernetes, file };
