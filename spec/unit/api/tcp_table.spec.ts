import { find_in_tables } from "../../../src/resty/sluice/api/sender/tcp_table";
import { ip_bytes, unmapped_ip } from "../../../src/resty/sluice/lib/ip";
import { expect } from "../support/expect";

const HEADING =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

function line(ends: string, uid: number, inode: number): string {
  const numbers = "01 00000000:00000000 00:00000000 00000000";
  return `   7: ${ends} ${numbers} ${string.format("%5d", uid)}        0 ${inode} 1 000000001f0db37d 20 4 30 10 -1\n`;
}

function endpoint(address: string, port: number): { address: string; port: number } {
  return { address: unmapped_ip(ip_bytes(address) ?? ""), port };
}

const MAPPED = "0000000000000000FFFF0000";
const IPV6 = "B80D0120000000000000000001000000";

describe("the kernel's tables of TCP connections", () => {
  const folder = os.tmpname();

  function write(name: string, ...lines: string[]): void {
    const [file] = io.open(`${folder}.d/${name}`, "w");
    if (file === undefined) error(`could not write ${folder}.d/${name}`);
    file.write(HEADING, ...lines);
    file.close();
  }

  os.execute(`mkdir -p ${folder}.d`);
  const find = (client: string, own: string): unknown =>
    find_in_tables(endpoint(client, 40000), endpoint(own, 8081), `${folder}.d`);

  it("name the user and the socket at the other end of a connection", () => {
    write("tcp", line("0100007F:1F91 00000000:0000", 0, 1), line("0200007F:9C40 0100007F:1F91", 1000, 4242));
    write("tcp6", line(`${IPV6}:9C40 ${IPV6}:1F91`, 0, 99));
    expect(find("127.0.0.2", "127.0.0.1")).same({ inode: "4242", uid: 1000 });
    expect(find("::ffff:127.0.0.2", "::ffff:127.0.0.1")).same({ inode: "4242", uid: 1000 });
    expect(find("2001:db8::1", "2001:db8::1")).same({ inode: "99", uid: 0 });
    expect(find("127.0.0.1", "127.0.0.2")).equal(undefined);
    expect(find("::1", "::1")).equal(undefined);
  });

  it("contain IPv4 connections of IPv6 sockets", () => {
    write("tcp");
    write("tcp6", line(`${MAPPED}0200007F:9C40 ${MAPPED}0100007F:1F91`, 33, 7));
    expect(find("127.0.0.2", "127.0.0.1")).same({ inode: "7", uid: 33 });
  });

  it("do not name the owner of a closed socket, and may be long", () => {
    const lines: string[] = [];
    for (const _ of $range(1, 2000)) lines.push(line("0300007F:9C40 0100007F:1F91", 0, 5));
    write(
      "tcp",
      ...lines,
      line("0200007F:9C40 0100007F:1F91", 0, 0),
      line("0400007F:9C40 0100007F:1F91", 5, 6),
    );
    write("tcp6");
    expect(find("127.0.0.2", "127.0.0.1")).equal(undefined);
    expect(find("127.0.0.4", "127.0.0.1")).same({ inode: "6", uid: 5 });
  });

  it("need not exist", () => {
    os.execute(`rm -r ${folder} ${folder}.d`);
    expect(find("127.0.0.2", "127.0.0.1")).equal(undefined);
  });
});
