/** Tests of users of a directory, against a real slapd. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import t, { type Test } from "tap";
import { type LdapOptions, ldap } from "../../src/handlers/ldap.ts";
import { until, within } from "../support/deadline.ts";
import { ADMIN, certificateFor, skipSlapdless, startSlapd } from "../support/slapd.ts";

const BASE = "dc=mill,dc=example";

/** A person with the password "flour". */
function person(name: string, uid: string): string {
  return `
dn: cn=${name},${BASE}
objectClass: inetOrgPerson
cn: ${name}
sn: ${name}
uid: ${uid}
mail: ${name}@mill.example
userPassword: flour
`;
}

const LDIF = `
dn: ${BASE}
objectClass: dcObject
objectClass: organization
dc: mill
o: Mill

dn: cn=reader,${BASE}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: reading
${person("miller", "miller")}${person("twin one", "twin")}${person("twin two", "twin")}${
  person("third", "three")}${person("fourth", "three")}${person("fifth", "three")}${
  person("odd", "*)(uid=*")}`;

t.test("exactly one record, and its password", skipSlapdless, async (t) => {
  const directory = await startSlapd(t, LDIF);
  const reader = { dn: `cn=reader,${BASE}`, password: "reading" };
  const options: LdapOptions = { url: directory.url, base: BASE, bind: reader };
  const lookup = ldap(options);
  t.match(await lookup("miller", "flour"), {
    dn: `cn=miller,${BASE}`, mail: "miller@mill.example", uid: "miller",
  });
  t.equal(await lookup("miller", "salt"), null, "another password");
  t.equal(await lookup("miller", ""), null, "an empty password binds as nobody");
  t.equal(await lookup("", "flour"), null);
  t.equal(await lookup("cook", "flour"), null, "no record");
  t.equal(await lookup("twin", "flour"), null, "two records");
  t.equal(await lookup("three", "flour"), null, "three, more than are read");
  for (const name of ["*", "mill*", "miller)(uid=*", "\0", "(", "\\2a"]) {
    t.equal(await lookup(name, "flour"), null, `"${name}" is a name, not a filter`);
  }
  t.match(await lookup("*)(uid=*", "flour"), { dn: `cn=odd,${BASE}` });

  const byMail = ldap({ ...options, attribute: "mail", attributes: ["cn"] });
  t.strictSame(await byMail("miller@mill.example", "flour"), {
    dn: `cn=miller,${BASE}`, cn: "miller",
  });
  t.equal(await ldap({ ...options, base: `cn=reader,${BASE}` })("miller", "flour"), null);
  const admin = ldap({ ...options, bind: ADMIN, attributes: ["uid"] });
  t.match(await admin("miller", "flour"), { uid: "miller" });
});

t.test("a directory that cannot be asked rejects", skipSlapdless, async (t) => {
  const directory = await startSlapd(t, LDIF);
  const options: LdapOptions = { url: directory.url, base: BASE, timeoutMs: 2000 };
  await t.rejects(ldap({
    ...options, bind: { dn: `cn=reader,${BASE}`, password: "wrong" },
  })("miller", "flour") as Promise<unknown>, { name: "InvalidCredentialsError" });
  // Nobody may read anonymously here, so for them the base is not there.
  await t.rejects(ldap(options)("miller", "flour") as Promise<unknown>, {
    name: "NoSuchObjectError",
  });
  await directory.stop();
  await t.rejects(ldap(options)("miller", "flour") as Promise<unknown>);
  t.throws(() => ldap({ ...options, url: "http://a" }), TypeError);
  t.throws(() => ldap({ ...options, url: "ldap://" }), TypeError);
  t.throws(() => ldap({ ...options, url: "ldaps://a", startTls: true }), TypeError);
});

t.test("options that are none", (t) => {
  const options: LdapOptions = { url: "ldap://a", base: BASE };
  t.doesNotThrow(() => ldap(options));
  t.throws(() => ldap({ ...options, startTLS: true } as LdapOptions), {
    name: "TypeError", message: 'ldap: no option "startTLS", did you mean startTls?',
  });
  t.throws(() => ldap({ ...options, bind: { ...ADMIN, pasword: "a" } } as LdapOptions), {
    message: "ldap: bind: no option \"pasword\", did you mean password?",
  });
  const wrong: object[] = [
    { url: undefined }, { url: 5 }, { url: "ldap://a:99999" }, { base: undefined }, { base: 5 },
    { attribute: 5 }, { attribute: "" }, { attribute: "uid)(x" }, { attributes: "title" },
    { attributes: [5] }, { bind: "cn=reader" }, { bind: {} }, { bind: { dn: "cn=a" } },
    { bind: { dn: "cn=a", password: "" } }, { startTls: "true" }, { tls: "yes" }, { tls: null },
  ];
  for (const each of wrong) {
    t.throws(() => ldap({ ...options, ...each }), {
      name: "TypeError", code: "ERR_MILLRACE_OPTION_INVALID", message: /^ldap: /,
    }, JSON.stringify(each));
  }
  for (const attribute of ["uid", "sAMAccountName", "0.9.2342.19200300.100.1.1"]) {
    t.doesNotThrow(() => ldap({ ...options, attribute, base: "", attributes: [], tls: {} }));
  }
  for (const timeoutMs of [0, -5, 0.5, 2 ** 31, Infinity, NaN, "5s"] as number[]) {
    t.throws(() => ldap({ ...options, timeoutMs }), {
      name: "TypeError", code: "ERR_MILLRACE_OPTION_INVALID",
      message: "ldap: timeoutMs is a whole number from 1 to 2147483647",
    }, String(timeoutMs));
  }
  for (const timeoutMs of [1, 2 ** 31 - 1]) t.doesNotThrow(() => ldap({ ...options, timeoutMs }));
  t.end();
});

t.test("a directory that agrees to be secure and then says nothing rejects in time", async (t) => {
  const connections = new Set<Socket>();
  const silent = createServer((socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
    socket.on("error", () => {});
    socket.once("data", (asked) => {
      // An extended response of success to the message that asked (RFC 4511 4.12, 4.14).
      socket.write(Uint8Array.of(0x30, 12, 2, 1, asked[4]!, 0x78, 7, 0x0a, 1, 0, 4, 0, 4, 0));
    });
  });
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  t.teardown(() => silent.close());
  const url = `ldap://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const tls = {};
  const lookup = ldap({ url, base: BASE, timeoutMs: 500, startTls: true, tls });
  const asked = lookup("miller", "flour") as Promise<unknown>;
  await t.rejects(within("the directory", asked), { message: "Connection timeout" });
  t.strictSame(tls, {}, "what the app gave is as it was");
  await until("the connection to close", () => connections.size === 0);
});

/** Somebody on the path: what `change` makes of the directory's first piece is what arrives. */
async function relayTo(
  t: Test,
  port: number,
  change: (piece: Buffer, connection: number) => Buffer,
): Promise<number> {
  let connections = 0;
  const relay = createServer((socket) => {
    const connection = ++connections;
    const directory = connect(port, "127.0.0.1");
    directory.once("data", (piece: Buffer) => {
      socket.write(change(piece, connection));
      directory.pipe(socket);
    });
    socket.pipe(directory);
    for (const [one, other] of [[socket, directory], [directory, socket]] as const) {
      one.on("error", () => {});
      one.on("close", () => other.destroy());
    }
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  t.teardown(() => relay.close());
  return (relay.address() as AddressInfo).port;
}

t.test("nothing that was said before the connection is secure counts", skipSlapdless, async (t) => {
  const tls = certificateFor(t, "DNS:localhost");
  const directory = await startSlapd(t, LDIF, tls);
  const ca = readFileSync(tls.certificate);
  const reader = { dn: `cn=reader,${BASE}`, password: "reading" };
  const options = { base: BASE, bind: reader, startTls: true, tls: { ca } };
  const asked = async (port: number, password: string): Promise<unknown> => (
    await ldap({ ...options, url: `ldap://localhost:${port}` })("miller", password)
  );
  const honest = await relayTo(t, directory.port, (piece) => piece);
  t.match(await asked(honest, "flour"), { uid: "miller" });
  t.equal(await asked(honest, "salt"), null);

  // The beginning of an answer to each of the next binds: success, and a text of what follows.
  const begun = (id: number): Uint8Array => Uint8Array.of(
    0x30, 26, 2, 1, id, 0x61, 21, 0x0a, 1, 0, 4, 0, 4, 14,
  );
  for (const id of [1, 2, 3]) {
    const injecting = await relayTo(t, directory.port, (piece, connection) => (
      connection % 2 === 0 ? Buffer.concat([piece, begun(id)]) : piece
    ));
    await t.rejects(asked(injecting, "salt"), { message: /bytes behind it that are not secure/ });
  }
});

t.test("the certificate is for the host of the URL", skipSlapdless, async (t) => {
  for (const [name, host, other] of [
    ["DNS:localhost", "localhost", "127.0.0.1"], ["IP:127.0.0.1", "127.0.0.1", "localhost"],
  ] as const) {
    const files = certificateFor(t, name);
    const { port } = await startSlapd(t, LDIF, files);
    const ca = readFileSync(files.certificate);
    const asked = async (at: string, more: object = {}): Promise<unknown> => await ldap({
      url: `ldap://${at}:${port}`, base: BASE, bind: ADMIN, startTls: true, tls: { ca, ...more },
    })("miller", "flour");
    t.match(await asked(host), { uid: "miller" }, name);
    await t.rejects(asked(other), { code: "ERR_TLS_CERT_ALTNAME_INVALID" }, name);
    if (host !== "localhost") continue;
    t.match(await asked(other, { servername: host }), { uid: "miller" }, "the app names another");
  }
});
