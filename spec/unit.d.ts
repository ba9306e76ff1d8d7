/**
 * The globals of unit specs, set by spec/unit/support/runner.ts. There is no skip and no focus: every spec
 * always runs.
 */
declare function describe(this: void, name: string, body: (this: void) => void): void;
declare function it(this: void, name: string, body: (this: void) => void): void;
declare function before_each(this: void, body: (this: void) => void): void;
declare function after_each(this: void, body: (this: void) => void): void;
