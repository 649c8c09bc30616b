/** Tests of users of a directory, against a real slapd. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import t from "tap";
import { type LdapOptions, ldap } from "../../src/handlers/ldap.ts";
import { until, within } from "../support/deadline.ts";
import { ADMIN, skipSlapdless, startSlapd } from "../support/slapd.ts";

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
  await t.rejects(within("the directory", asked), { message: /secure in time/ });
  t.strictSame(tls, {}, "what the app gave is as it was");
  await until("the connection to close", () => connections.size === 0);
});
