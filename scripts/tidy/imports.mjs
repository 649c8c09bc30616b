/**
 * The import table of the design: arrows go one way, without cycles. Imports of types count, since
 * they too say what a file has to know. The native core knows neither Node-API nor libuv.
 */
import { posix } from "node:path";

/** What each layer of src/ may import beside itself. */
const MAY_IMPORT = {
  cli: ["index", "options", "shared"],
  index: ["primary", "options", "shared"],
  "create-fetch": ["primary", "worker", "options", "native", "shared"],
  primary: ["options", "native", "shared"],
  worker: ["native", "shared"],
  handlers: ["worker", "shared"],
  adapters: ["worker", "shared"],
  brokers: ["shared"],
  options: ["shared"],
  native: ["shared"],
  shared: [],
};

const IMPORT = /(?:\bfrom\s+|\bimport\s*\(?\s*)"(\.[^"]+)"/g;
const FOREIGN_TO_CORE =
  /^\s*#\s*include\s*[<"](?:.*\/)?((?:node_api|js_native_api|node|uv|v8)[^/]*\.h)[>"]/;

export function checkImports(files) {
  const sources = files.filter(({ path }) => path.startsWith("src/") && path.endsWith(".ts"));
  const graph = new Map(sources.map((file) => [file.path, importsOf(file)]));
  return [...checkTable(graph), ...checkCycles(graph), ...checkCore(files)];
}

function importsOf({ path, text }) {
  return [...text.matchAll(IMPORT)].map(([, name]) => posix.join(posix.dirname(path), name));
}

/** `src/options/app.ts` and `src/options.ts` are both of the layer options. */
function layerOf(path) {
  return path.split("/")[1]?.replace(/\.ts$/, "") ?? "";
}

function checkTable(graph) {
  const findings = [];
  for (const [path, imports] of graph) {
    const layer = layerOf(path);
    const allowed = MAY_IMPORT[layer];
    if (allowed === undefined) findings.push(`${path}: ${layer} is no layer of the design`);
    for (const target of imports) {
      if (!target.startsWith("src/")) findings.push(`${path}: imports ${target} outside src/`);
      else if (layerOf(target) !== layer && allowed?.includes(layerOf(target)) === false) {
        findings.push(`${path}: ${layer} must not import ${target}`);
      }
    }
  }
  return findings;
}

function checkCycles(graph) {
  const findings = [];
  const done = new Set();
  const walk = (path, trail) => {
    const start = trail.indexOf(path);
    if (start >= 0) findings.push(`import cycle: ${[...trail.slice(start), path].join(" > ")}`);
    if (start >= 0 || done.has(path)) return;
    for (const target of graph.get(path) ?? []) walk(target, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) walk(path, []);
  return findings;
}

function checkCore(files) {
  const core = files.filter(({ path }) => path.startsWith("native-bindings/core/"));
  return core.flatMap(({ path, text }) => text.split("\n").flatMap((line, index) => {
    const name = FOREIGN_TO_CORE.exec(line)?.[1];
    return name === undefined ? [] : [`${path}:${index + 1}: core must not include ${name}`];
  }));
}
