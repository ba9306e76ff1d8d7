/**
 * Returns the path of a file that the configuration names. A relative path is relative to nginx's prefix
 * (`nginx -p`), as in nginx.conf. Any phase.
 */
export function from_prefix(path: string): string {
  return string.sub(path, 1, 1) === "/" ? path : ngx.config.prefix() + path;
}
