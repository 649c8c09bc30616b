/**
 * The app of a folder: what `millrace serve ./public` serves. The folder is in the query of the
 * module's URL, so that each folder is a module of its own. Thread: the worker's.
 */
import type { App } from "../shared/app.ts";
import { files } from "./files.ts";

const root = new URL(import.meta.url).searchParams.get("root") ?? ".";

const app: App = { fetch: files(root, { precompressed: true }) };

export default app;
