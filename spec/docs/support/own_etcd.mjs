/** Makes the etcd that a page's commands start listen on ports of the test. */

const client = "http://127.0.0.1:2379";
// These pages do not use this port for anything else. The test replaces both ports by free ones.
const peer = "http://127.0.0.1:8084";

const places = [
  `--listen-client-urls ${client} --advertise-client-urls ${client}`,
  `--listen-peer-urls ${peer} --initial-advertise-peer-urls ${peer} --initial-cluster default=${peer}`,
].join(" ");

/**
 * An entry of `replace` in the options of testPage().
 *
 * @type {[from: string, to: string]}
 */
export const ownEtcd = ["etcd --data-dir ", `etcd ${places} --data-dir `];
