import { Document, isMap, isSeq, visit } from "yaml";

/** Writes upstreams as YAML for people: one line for each server. */
export function upstreamsYaml(upstreams: Record<string, unknown>, comment?: string): string {
  const document = new Document({ upstreams }, { aliasDuplicateObjects: false });
  if (comment !== undefined) document.commentBefore = comment;
  visit(document, {
    Pair(_, { key, value }) {
      const isServers = String(key) === "servers";
      if (!isServers || !isSeq(value)) return;
      for (const server of value.items) if (isMap(server)) server.flow = true;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}
