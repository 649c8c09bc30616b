/** A directory of its own for a test: OpenLDAP's slapd, with the records of an LDIF text. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { until } from "./deadline.ts";
import { foreignEnv } from "./environment.ts";
import { ownFolder } from "./folder.ts";
import type { Owner } from "./folder.ts";
import { freePort } from "./free-port.ts";

const SLAPD = "/usr/sbin/slapd";

/** For `t.test`: skips where slapd is not installed. */
export const skipSlapdless: { readonly skip?: string } = existsSync(SLAPD)
  ? {}
  : { skip: "slapd is not installed" };

/** Who may do everything. */
export const ADMIN = { dn: "cn=admin,dc=mill,dc=example", password: "secret" };

export interface Directory {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** Files of PEM. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** One that vouches for itself, such as for "DNS:localhost" or "IP:127.0.0.1". */
export function certificateFor(owner: Owner, name: string): Certificate {
  const folder = ownFolder(owner);
  const [certificate, key] = [join(folder, "certificate.pem"), join(folder, "key.pem")];
  const made = spawnSync("openssl", [
    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mill",
    "-addext", `subjectAltName=${name}`, "-keyout", key, "-out", certificate,
  ], { encoding: "utf8", env: foreignEnv() });
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`);
  return { certificate, key };
}

/** Starts it on a free port of 127.0.0.1, with StartTLS if it is given a certificate. */
export async function startSlapd(
  owner: Owner,
  ldif: string,
  tls?: Certificate,
): Promise<Directory> {
  const folder = ownFolder(owner);
  mkdirSync(join(folder, "data"));
  const config = join(folder, "slapd.conf");
  writeFileSync(config, `
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile ${join(folder, "pid")}
${tls ? `TLSCertificateFile ${tls.certificate}\nTLSCertificateKeyFile ${tls.key}` : ""}
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix "dc=mill,dc=example"
rootdn "${ADMIN.dn}"
rootpw ${ADMIN.password}
directory ${join(folder, "data")}
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=reader,dc=mill,dc=example" read by * none
`);
  const added = spawnSync("/usr/sbin/slapadd", ["-f", config], {
    input: ldif, encoding: "utf8", env: foreignEnv(),
  });
  if (added.status !== 0) throw new Error(`slapadd: ${added.stderr}`);
  const port = await freePort();
  const url = `ldap://127.0.0.1:${port}`;
  const args = ["-f", config, "-h", url, "-d", "0"];
  const child = spawn(SLAPD, args, { stdio: "ignore", env: foreignEnv() });
  const stop = (): Promise<void> => ended(child);
  owner.teardown(stop);
  await until("slapd to listen", () => isListening(port));
  return { url, port, stop };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}

async function isListening(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
