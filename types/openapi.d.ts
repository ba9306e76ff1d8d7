/**
 * The description of the HTTP API: JSON text in two parts, which scripts/openapi.mjs makes from openapi/.
 *
 * @noResolution @noSelf
 */
declare module "resty.sluice.openapi" {
  /** The text before the API's prefix. */
  export const before: string;
  /** The text after the prefix. */
  export const after: string;
}
