/** Every error code that the sources name is in the table, and every row of it is used. */

const TABLE = "src/shared/errors.ts";
const ROW = /^ {2}(ERR_MILLRACE_[A-Z_]+):/gm;
const CODE = /\bERR_MILLRACE_[A-Z_]*[A-Z]\b/g;

export function checkErrorCodes(files) {
  const table = files.find(({ path }) => path === TABLE);
  if (table === undefined) return [`${TABLE}: is missing`];
  const rows = new Set([...table.text.matchAll(ROW)].map(([, code]) => code));
  const findings = [];
  const used = new Set();
  for (const { path, text } of files) {
    if (path === TABLE || !/^(src|native-bindings|test|examples)\//.test(path)) continue;
    for (const [code] of text.matchAll(CODE)) {
      if (!rows.has(code)) findings.push(`${path}: ${code} is not in ${TABLE}`);
      if (/^(src|native-bindings)\//.test(path)) used.add(code);
    }
  }
  for (const code of rows) {
    if (!used.has(code)) findings.push(`${TABLE}: nothing raises ${code}`);
  }
  return [...new Set(findings)];
}
