/** Tests of what is hidden of a multipart body. */
import t from "tap";
import { MASK, Masking } from "../../src/worker/masking.ts";

const masking = new Masking({});
const TYPE = "multipart/form-data; boundary=b";

function part(head: string, value: string): string {
  return `--b\r\n${head}\r\n\r\n${value}\r\n`;
}

t.test("a part is hidden by whatever a reader may take for its name", (t) => {
  const names = [
    'name="password"', 'name = "password"', "name=password", 'NAME="PassWord"', 'name="password "',
    "name*=utf-8''password", "name*=utf-8'en'p%61ssword",
    'name="p%61ssword"', 'name="pass\\word"',
    'name="q"; name="password"', 'name="password"; name="q"', 'x="a;name=q"; name="password"',
    'x="name="; name="password"', 'name*0="pass"; name*1="word"',
    'name="password', "name=password;",
    'filename="a;b"; name="password"', 'filename*=utf-8\'\'x;\r\n name="password"',
  ];
  for (const name of names) {
    const head = `Content-Disposition: form-data; ${name}`;
    const text = `${part(head, "S3CRET")}${part("Content-Disposition: x; name=q", "a")}--b--`;
    t.equal(masking.body(text, TYPE), text.replace("S3CRET", MASK), name);
  }
  const others = ['name="user"', 'filename="password"', 'name="passwords"', 'surname="token"'];
  for (const name of others) {
    const text = part(`Content-Disposition: form-data; ${name}`, "shown");
    t.equal(masking.body(text, TYPE), text, name);
  }
  t.end();
});

t.test("what a part has in it is masked by its type", (t) => {
  const json = '{"a":1,"password":"S3CRET","b":2}';
  const shown = `{"a":1,"password":"${MASK}","b":2}`;
  const types = ["application/json", "Application/Problem+JSON; charset=utf-8", "text/plain", null];
  for (const type of types) {
    const head = type === null ? "X: y" : `Content-Type: ${type}`;
    const text = part(head, json) + part("X: y", "z");
    const made = part(head, shown) + part("X: y", "z");
    for (const outer of [TYPE, "multipart/mixed; boundary=b"]) {
      t.equal(masking.body(text, outer), made, `${type} in ${outer}`);
    }
  }
  const secret = "S3\r\n--CRET";
  const form = part("content-type: application/x-www-form-urlencoded", `a&password=${secret}&c=d`);
  t.equal(masking.body(form, TYPE), form.replace(secret, MASK));
  t.notMatch(masking.body(form, "multipart/form-data"), /S3|CRET/, "its end is not known");
  t.end();
});

t.test("parts in parts, as deep as anybody nests them", (t) => {
  const inner = "--c\r\nContent-Disposition: form-data; name=token\r\n\r\nS3CRET\r\n--c--";
  const text = part("Content-Type: multipart/mixed; boundary=c", inner);
  t.equal(masking.body(text, TYPE), text.replace("S3CRET", MASK));
  let deep = inner;
  for (const each of "defgh") {
    deep = `--${each}\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n${deep}`;
  }
  t.notMatch(masking.body(deep, "multipart/mixed; boundary=h"), /S3/);
  t.end();
});

t.test("what is coded cannot be looked through, and is hidden", (t) => {
  const value = Buffer.from('{"password":"S3CRET"}').toString("base64");
  for (const coding of ["base64", " BASE64", "quoted-printable", "own"]) {
    const text = part(`Content-Transfer-Encoding:${coding}`, value) + "--b--";
    t.equal(masking.body(text, TYPE), text.replace(value, MASK));
  }
  for (const coding of ["7bit", " 8bit", "binary"]) {
    const text = part(`Content-Transfer-Encoding:${coding}`, "shown");
    t.equal(masking.body(text, TYPE), text);
  }
  t.end();
});
