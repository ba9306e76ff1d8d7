/** Returns the path of a configured file; as in nginx.conf, relative to nginx's prefix. Any phase. */
export function from_prefix(path: string): string {
  return string.sub(path, 1, 1) === "/" ? path : ngx.config.prefix() + path;
}
