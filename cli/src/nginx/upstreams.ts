import { canonical } from "../model/address";
import type { Directive } from "./directives";
import type { Loaded } from "./load";
import { readSetting, type Settings } from "./methods";
import { Notes, type Place } from "./notes";
import { readResolver } from "./resolver";
import { readServer, type ImportedServer } from "./servers";

/** Turns `upstream` blocks into upstreams of Sluice. */

/** An upstream as `changes` takes it. */
export type ImportedUpstream = Settings & { servers: ImportedServer[] };

export interface Imported {
  upstreams: Map<string, ImportedUpstream>;
  /** Where the blocks of the upstreams are. */
  places: Map<string, Place>;
  notes: Notes;
}

const LONGEST_NAME = 128;

/** Adds a server. nginx permits an address twice, which gives it the sum of both weights. */
function addServer(servers: ImportedServer[], server: ImportedServer, line: Directive, notes: Notes): void {
  const earlier = servers.find((each) => {
    return canonical(each.server) === canonical(server.server) && each.service === server.service;
  });
  if (earlier === undefined) {
    servers.push(server);
    return;
  }
  const { server: _one, weight: weightBefore = 1, ...before } = earlier;
  const { server: _other, weight = 1, ...others } = server;
  if (JSON.stringify(before) === JSON.stringify(others)) {
    earlier.weight = weightBefore + weight;
    notes.changed(line, `server ${server.server} is there twice: it gets the sum of both weights`);
  } else notes.leftOut(line, `server ${server.server} is there twice, with other parameters`);
}

/** Reads an upstream. `outer`: the directives of the block around it, whose `resolver` it inherits. */
function readUpstream({ block = [] }: Directive, outer: Directive[], notes: Notes): ImportedUpstream {
  const settings: Settings = {};
  const servers: ImportedServer[] = [];
  for (const line of block) {
    if (line.name === "resolver" || line.name === "resolver_timeout") continue;
    if (line.name !== "server") readSetting(settings, line, notes);
    else {
      const server = readServer(line, notes);
      if (server !== undefined) addServer(servers, server, line, notes);
    }
  }
  const resolver =
    readResolver(block, notes) ??
    (servers.some(({ resolve }) => resolve === true) ? readResolver(outer, notes) : undefined);
  if (resolver !== undefined) settings.resolver = resolver;
  return { ...settings, servers };
}

const BALANCER = "balancer_by_lua";

class Importer {
  readonly upstreams = new Map<string, ImportedUpstream>();
  readonly places = new Map<string, Place>();
  readonly notes = new Notes();

  /** Looks for blocks. `isStream`: within `stream`, whose upstreams are of another kind. */
  read(directives: Directive[], isStream: boolean): void {
    for (const directive of directives) {
      const { name, block, args } = directive;
      if (name === "upstream" && block !== undefined) this.readBlock(directive, directives, isStream);
      else if (name === "health_check" && block === undefined)
        this.notes.leftOut(
          directive,
          `health_check ${args.join(" ")}`.trim() + ': write it as "health_check" of the upstream',
        );
      else if (block !== undefined) this.read(block, isStream || name === "stream");
    }
  }

  private readBlock(directive: Directive, outer: Directive[], isStream: boolean): void {
    const { args, block = [] } = directive;
    const [name = ""] = args;
    if (isStream)
      this.notes.leftOut(directive, `upstream ${name}: is in "stream", and Sluice balances http only`);
    else if (!/^[\w.:@~+-]+$/.test(name) || name.length > LONGEST_NAME)
      this.notes.leftOut(
        directive,
        `upstream ${name}: its name must contain only letters, digits and . _ : @ ~ + -`,
      );
    else if (this.upstreams.has(name)) this.notes.leftOut(directive, `upstream ${name} is there twice`);
    else if (block.some((line) => line.name.startsWith(BALANCER)))
      this.notes.changed(directive, `upstream ${name}: its servers come from Lua already`);
    else {
      this.upstreams.set(name, readUpstream(directive, outer, this.notes));
      this.places.set(name, directive);
    }
  }
}

/** Converts all `upstream` blocks of a configuration. */
export function importUpstreams({ directives, gaps }: Loaded): Imported {
  const importer = new Importer();
  for (const gap of gaps) importer.notes.leftOut(gap, gap.text);
  importer.read(directives, false);
  const { upstreams, places, notes } = importer;
  return { upstreams, places, notes };
}
