/** What is done about the loads that servers report. */

/** @noResolution @noSelf */
declare module "resty.sluice" {
  /** How reported loads change weights. */
  export interface Load {
    /** A server's utilization above this counts twice. Default: 0.7. */
    target?: number;
    /** From one change of the weights to the next. Default: `"1s"`. */
    update?: Time;
    /** A server that begins to report keeps its configured weight for so long. Default: `"10s"`. */
    blackout?: Time;
    /** A report counts for so long. Default: `"3m"`. */
    expiry?: Time;
    /** The most that one change may move a weight. Default: 20. */
    max_step_percent?: number;
    /** The least that is left of a configured weight. Default: 5. */
    min_weight_percent?: number;
    /** How much the part of requests that end in errors adds to the utilization. Default: 1. */
    error_penalty?: number;
  }

  /** When servers are brought in, and let go. */
  export interface Autoscale {
    /** A mean utilization above it, for the time `for`, brings a server in. Default: 0.8. */
    high?: number;
    /** Below it, one is let go. Default: 0.3. */
    low?: number;
    /** Default: `"30s"`. */
    for?: Time;
    /** No further decision for so long. Default: `"60s"`. */
    cooldown?: Time;
    /** At least so many servers in service. Default: 1. */
    min?: number;
    /** At most so many servers in service. */
    max: number;
    /** Called instead of standby servers being brought in and let go. Default: none. */
    webhook?: Webhook;
    /** Decides, and says so, but does nothing. Default: false. */
    dry_run?: boolean;
  }

  /** Whom to tell that servers are to be started or stopped. */
  export interface Webhook {
    /** `http://` or `https://`. */
    url: string;
    /** What calls are signed with. */
    secret: string;
  }
}
