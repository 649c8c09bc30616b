/** What HTTP calls a token: names of fields, methods and parameters (RFC 9110 5.6.2). Pure. */

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}
