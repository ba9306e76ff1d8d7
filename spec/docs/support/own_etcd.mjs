/** The etcd that a page's commands start: on ports of the test's own. */

const client = "http://127.0.0.1:2379";
// A port that these pages have no other use for: the test replaces it by a free one, as it does the other.
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
