import { consul } from "./consul";
import { consul_kv } from "./consul_kv";
import { dns } from "./dns";
import { docker } from "./docker";
import { etcd } from "./etcd";
import { file } from "./file";
import { host_name } from "./host_name";
import { kubernetes } from "./kubernetes";
import { template } from "./template/follow";
import type { FeedSource, Source } from "./source";

/** The sources: registries by their names in `discovery`, and host names. */
export const SOURCES: Record<FeedSource, Source> = {
  etcd,
  consul,
  consul_kv,
  dns,
  docker,
  kubernetes,
  file,
  template,
  resolve: host_name,
};
