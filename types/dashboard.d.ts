/**
 * The dashboard, which scripts/build_web.mjs makes from web/.
 *
 * @noResolution @noSelf
 */
declare module "resty.sluice.dashboard" {
  /** The HTML, with its script and its style. */
  export const page: string;
  /** The Content-Security-Policy. */
  export const policy: string;
  /** The ETag, with its quotation marks. */
  export const etag: string;
}
