/**
 * Types only: that declarations/ say of the module and its options what src/ does. `npm run check` compiles this, so that
 * neither can change alone. (src/ itself ties what is read to its types, by `ReadersOf`.)
 */
import type * as declared from "resty.sluice";
import type * as actual from "../../src/resty/sluice";
import type { ADMISSION_FIELDS, AdmissionConfig } from "../../src/resty/sluice/config/admission";
import type { BALANCING_FIELDS, BalancingConfig } from "../../src/resty/sluice/config/balancing";
import type { CONTROL_FIELDS, ControlConfig } from "../../src/resty/sluice/config/control";
import type { DISCOVERY_FIELDS, DiscoveryConfig } from "../../src/resty/sluice/config/discovery";
import type { HEALTH_FIELDS, HealthConfig } from "../../src/resty/sluice/config/health";
import type { Options } from "../../src/resty/sluice/config/options";
import type { ServerParameters } from "../../src/resty/sluice/config/server";
import type { EtcdConfig } from "../../src/resty/sluice/config/sources/etcd";
import type { UpstreamConfig } from "../../src/resty/sluice/config/upstream";

/** Only `true` can be given for it. */
type Assert<Claim extends true> = Claim;

/** Whether two types are the same; `any` is the same as itself only. */
type Same<One, Other> =
  (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : false;

/** With every field there, at every depth: which may be left out is compared with what setup does, in options.test.mjs. */
type Whole<T> = T extends (infer Item)[]
  ? Whole<Item>[]
  : T extends object
    ? { [Name in keyof T]-?: Whole<Exclude<T[Name], undefined>> }
    : T;

/** What is given is not all that is kept: `standby` is kept when it is true only. */
type GivenServer = Omit<ServerParameters, "standby"> & { standby: boolean };
type GivenUpstream = Omit<UpstreamConfig, "servers"> & { servers: GivenServer[] };
type GivenOptions = Omit<Options, "upstreams" | "cluster"> & {
  cluster: { etcd: EtcdConfig };
  upstreams: Record<string, GivenUpstream>;
};

type Names<Fields extends readonly string[]> = Fields[number];

export type Claims = [
  Assert<Same<Whole<declared.Options>, Whole<GivenOptions>>>,
  Assert<Same<keyof typeof declared, keyof typeof actual>>,
  Assert<typeof actual extends typeof declared ? true : false>,
  Assert<Same<Parameters<typeof declared.balance>, Parameters<typeof actual.balance>>>,
  Assert<Same<Parameters<typeof declared.access>, Parameters<typeof actual.access>>>,
  Assert<Same<Names<typeof ADMISSION_FIELDS>, keyof AdmissionConfig>>,
  Assert<Same<Names<typeof BALANCING_FIELDS>, keyof BalancingConfig>>,
  Assert<Same<Names<typeof CONTROL_FIELDS>, keyof ControlConfig>>,
  Assert<Same<Names<typeof DISCOVERY_FIELDS>, keyof DiscoveryConfig>>,
  Assert<Same<Names<typeof HEALTH_FIELDS>, keyof HealthConfig>>,
];
