/** What the unit specs use of busted. There is no `pending` and no focus: every spec always runs. */
declare function describe(this: void, name: string, body: (this: void) => void): void;
declare function it(this: void, name: string, body: (this: void) => void): void;
declare function before_each(this: void, body: (this: void) => void): void;
declare function after_each(this: void, body: (this: void) => void): void;

/**
 * luassert, which busted also puts in the place of Lua's `assert`.
 * @noResolution
 */
declare module "luassert" {
  type Comparison = (this: void, expected: unknown, actual: unknown) => void;
  type Condition = (this: void, actual: unknown) => void;
  /** Identity. */
  export const equal: Comparison;
  /** The same content, however deep. */
  export const same: Comparison;
  export const truthy: Condition;
  export const falsy: Condition;
}
