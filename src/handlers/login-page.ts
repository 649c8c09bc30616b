/**
 * The plain login page: one form, no script, in no frame, in no cache. Any thread.
 */

/** What a login page shows. */
export interface LoginPage {
  /** Where its form is sent: fields `user`, `password` and `to`. */
  readonly action: string;
  /** A path of this site, to go on to. */
  readonly to: string;
  /** Such a user with such a password was not found. */
  readonly hasFailed: boolean;
  /** As it was typed. */
  readonly user: string;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;",
};

const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
};

export function loginPage({ action, to, hasFailed, user }: LoginPage): Response {
  const failure = hasFailed ? "<p role=\"alert\">User or password is wrong.</p>\n" : "";
  const text = `<!doctype html>
<html lang="en">
<title>Log in</title>
<h1>Log in</h1>
${failure}<form method="post" action="${escaped(action)}">
<input type="hidden" name="to" value="${escaped(to)}">
<p><label>User <input name="user" value="${escaped(user)}" autocomplete="username" required></label>
<p><label>Password
<input name="password" type="password" autocomplete="current-password" required></label>
<p><button>Log in</button>
</form>
`;
  return new Response(text, { headers: HEADERS });
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
