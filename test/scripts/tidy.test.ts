/** Tests of the scanner behind tidy: what it takes for code, and for a function. */
import { pathToFileURL } from "node:url";
import t from "tap";
import { repositoryFile } from "../support/environment.ts";

interface Finding {
  line: number;
  count: number;
}

interface Mask {
  maskedText: (text: string, isNative: boolean) => string;
}

interface Functions {
  longFunctions: (masked: string, max?: number) => Finding[];
}

async function load<T>(name: string): Promise<T> {
  return await import(pathToFileURL(repositoryFile(`scripts/tidy/${name}`)).href) as T;
}

const { maskedText } = await load<Mask>("mask.mjs");
const { longFunctions } = await load<Functions>("functions.mjs");

t.test("strings, comments, templates and regular expressions are blanked", async (t) => {
  const cases: [string, string][] = [
    ['a("{");', "a(   );"],
    ["a('it\\'s {');", "a(         );"],
    ["a(); // {", "a();     "],
    ["a(/* { */);", "a(       );"],
    ["a(/[/{]/);", "a(      );"],
    ["a / b / {", "a / b / {"],
    ["a(`x {`);", "a(     );"],
    ["a(`x ${f({ b })} {`);", "a(     f({ b })    );"],
    ["a(`${`${b}`}`);", "a(      b    );"],
  ];
  for (const [text, masked] of cases) t.equal(maskedText(text, false), masked, text);
});

t.test("digit marks of C++ open no character", async (t) => {
  const text = "int a = 1'000'000; char b = '{';";
  t.equal(maskedText(text, true), "int a = 1'000'000; char b =    ;");
});

t.test("lines stay where they are", async (t) => {
  const text = "a(`\n\n`);\n/*\n*/ b();\n";
  t.equal(maskedText(text, false).split("\n").length, text.split("\n").length);
});

function found(text: string, isNative = false): Finding[] {
  return longFunctions(maskedText(text, isNative), 3);
}

const BODY = "{\n  a();\n  b();\n}";

t.test("functions are found by their heads", async (t) => {
  const heads = [
    "function f(a: number): void ", "const f = (a) => ", "  method(a): Promise<void> ",
    "  get size(): number ", "f(async (t) => ",
  ];
  for (const head of heads) t.match(found(head + BODY), [{ line: 1, count: 4 }], head);
  for (const head of ["int f(int a) const ", "auto g = [&](int a) ", "A::A(int b) : b_(b) "]) {
    t.match(found(head + BODY, true), [{ line: 1, count: 4 }], head);
  }
  t.match(found(`\nfunction f(\n  a,\n) ${BODY}`), [{ line: 2, count: 6 }]);
});

t.test("blocks that are no functions are not", async (t) => {
  for (const head of [
    "if (a) ", "else ", "for (let i = 0; i < n; i++) ", "while (f(a)) ", "switch (a) ",
    "class A extends B ", "const a = ", "} catch (error) ", "interface A ",
  ]) {
    t.strictSame(found(head + BODY), [], head);
  }
});
