/** Every source file that does something has a test of the same name. */

const WITHOUT_TEST = /^src\/(?:index|shared\/layout)\.ts$/;
/** A statement that is still there when the types are gone. */
const DOES_SOMETHING =
  /^(?:export )?(?:(?:default|async|abstract) )*(?:const|let|class|function)\b|^(?:if|for)\b/m;

export function checkMirror(files) {
  const paths = new Set(files.map(({ path }) => path));
  return files
    .filter(({ path }) => /^src\/.*\.ts$/.test(path) && !WITHOUT_TEST.test(path))
    .filter(({ masked }) => DOES_SOMETHING.test(masked))
    .map(({ path }) => [path, path.replace(/^src\//, "test/").replace(/\.ts$/, ".test.ts")])
    .filter(([, test]) => !paths.has(test))
    .map(([path, test]) => `${path}: has no test ${test}`);
}
