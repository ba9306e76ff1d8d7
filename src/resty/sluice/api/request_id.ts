/**
 * Returns nginx's `$request_id`, the same one at each call. Unless nginx.conf uses the variable, nginx makes
 * a new one each time. Phase: content_by_lua.
 */
export function request_id(): string {
  const known = ngx.ctx.sluice_request_id as string | undefined;
  if (known !== undefined) return known;
  const id = ngx.var.request_id ?? "";
  ngx.ctx.sluice_request_id = id;
  return id;
}
