/** Self-signed certificates with their keys, for tests only. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { cert as probed, key as probedKey } from "./certificate.mjs";

const named = `-----BEGIN CERTIFICATE-----
MIIBozCCAUqgAwIBAgIUVTQdzJ/Hb0oE8ZRBcEUYrqa6VZwwCgYIKoZIzj0EAwIw
EzERMA8GA1UEAwwIcmVnaXN0cnkwIBcNMjYxMTI0MTAxOTIxWhgPMjEyNjEwMzEx
MDE5MjFaMBMxETAPBgNVBAMMCHJlZ2lzdHJ5MFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAEGa6yC5rDoS9k1RZ97zZWjd2V4t4LY7wtA8WoTvr1qpCoCo6PuleHL4h2
+smq3tJ3meTT6AdmlPH6SYSVfOI3AKN6MHgwHQYDVR0OBBYEFKB0HySelnoib77J
HbMPlIQKEzlzMB8GA1UdIwQYMBaAFKB0HySelnoib77JHbMPlIQKEzlzMA8GA1Ud
EwEB/wQFMAMBAf8wJQYDVR0RBB4wHIIJMTI3LjAuMC4xgglsb2NhbGhvc3SHBH8A
AAEwCgYIKoZIzj0EAwIDRwAwRAIgAk6wTV7BhP7e56BNXPo41HPhbHb9IEI2wCam
qXG/PNACIEqHjw8RKMlqfDiLc+SQYCqqMcX66QlUIRWf7YOdr3yr
-----END CERTIFICATE-----
`;

const namedKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgi+HisJWDbkI/Lrun
2k3fsKzdqUJovEVhTcsTbYOUR6+hRANCAAQZrrILmsOhL2TVFn3vNlaN3ZXi3gtj
vC0DxahO+vWqkKgKjo+6V4cviHb6yare0neZ5NPoB2aU8fpJhJV84jcA
-----END PRIVATE KEY-----
`;

const unknown = `-----BEGIN CERTIFICATE-----
MIIBmDCCAT+gAwIBAgIUKPzh0Bwq5thY+Dwd+jO2hhdx40UwCgYIKoZIzj0EAwIw
EzERMA8GA1UEAwwIcmVnaXN0cnkwIBcNMjYxMTI0MTAxOTIxWhgPMjEyNjEwMzEx
MDE5MjFaMBMxETAPBgNVBAMMCHJlZ2lzdHJ5MFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAELkOhF8kCjdj683P67t37SKyK9WgC+cLhV5JQSuUCqPl9ROlPJh/agXlq
Gspd0eD0WGfnyFkZzl8RFvP6M0O0RqNvMG0wHQYDVR0OBBYEFDVolI97BBV7FBpn
jcU3mqywVNjAMB8GA1UdIwQYMBaAFDVolI97BBV7FBpnjcU3mqywVNjAMA8GA1Ud
EwEB/wQFMAMBAf8wGgYDVR0RBBMwEYIJMTI3LjAuMC4xhwR/AAABMAoGCCqGSM49
BAMCA0cAMEQCIHQabOru5AWrE8tK/mQ8E+XqKnQLQwwszC+mLQUn2OU+AiBUtCqR
E//RbpIJf/MAm+S6Nuv6KrdRoagbCLXJKsOOBQ==
-----END CERTIFICATE-----
`;

const unknownKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgdhifq3/mab+T/nSI
nbkAzwDeG3cp4Wk7mZYD9tn03UqhRANCAAQuQ6EXyQKN2Przc/ru3ftIrIr1aAL5
wuFXklBK5QKo+X1E6U8mH9qBeWoayl3R4PRYZ+fIWRnOXxEW8/ozQ7RG
-----END PRIVATE KEY-----
`;

/**
 * Writes the certificates to files: `named` is for 127.0.0.1 and trusted, `otherName` is trusted but not for
 * 127.0.0.1, `unknown` is not trusted.
 * @param {string} folder
 */
export function writeCertificates(folder) {
  /** @param {string} name @param {string} text */
  const write = (name, text) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  return {
    trusted: write("trusted.pem", named + probed),
    named: { cert: write("named.pem", named), key: write("named.key", namedKey) },
    otherName: { cert: write("other.pem", probed), key: write("other.key", probedKey) },
    unknown: { cert: write("unknown.pem", unknown), key: write("unknown.key", unknownKey) },
  };
}
