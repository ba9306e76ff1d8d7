import { block, required, type ConfigOf } from "../block";
import { path_to } from "../texts";

/** The servers in a JSON file become the upstream's servers. */
export const FILE_SOURCE = block({
  /** The absolute path of the file. */
  path: required(path_to(1024)),
});
export type FileConfig = ConfigOf<typeof FILE_SOURCE>;
