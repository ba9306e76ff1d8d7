/**
 * The description of the HTTP API, which scripts/openapi.mjs makes of openapi/: JSON text, in two pieces.
 *
 * @noResolution @noSelf
 */
declare module "resty.sluice.openapi" {
  /** Up to the API's prefix. */
  export const before: string;
  /** From there on. */
  export const after: string;
}
