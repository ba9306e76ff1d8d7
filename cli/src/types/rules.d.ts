declare module "virtual:rules" {
  /** The compiled rules of the gateway: Lua by the names of its modules. */
  const sources: Record<string, string>;
  export default sources;
}

declare module "*.lua?raw" {
  const text: string;
  export default text;
}
