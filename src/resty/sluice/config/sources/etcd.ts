import { block, optional, required, secret, type ConfigOf } from "../block";
import { invalid_value } from "../problem";
import { read_url, text_to } from "../texts";
import { list_of } from "../values";
import { check_tls, TLS } from "./tls";

const MOST_ENDPOINTS = 16;

/** An etcd cluster and a prefix of keys. */
export const ETCD = block(
  {
    /** Members of the etcd cluster, each `http://` or `https://`; if one fails, the next is asked. */
    endpoints: required(list_of(read_url, MOST_ENDPOINTS)),
    prefix: required(text_to(512)),
    /** Requires `password`. */
    user: optional(text_to(128)),
    password: secret(optional(text_to(256))),
    tls: optional(TLS),
  },
  (path, { endpoints, user, password, tls }) => {
    if ((user === undefined) !== (password === undefined))
      return invalid_value(path, 'must have both "user" and "password", or neither');
    return check_tls(path, tls, endpoints);
  },
);
export type EtcdConfig = ConfigOf<typeof ETCD>;
