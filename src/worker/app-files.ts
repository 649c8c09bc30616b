/**
 * Which file each app of this thread has come from, for errors that are found in an app after it
 * has loaded. Thread: the worker's.
 */
import { inFile } from "../shared/app-file.ts";
import type { App } from "../shared/app.ts";

const files = new WeakMap<App, string>();

/** `file` undefined: it was given as a value. */
export function rememberFile(app: App, file: string | undefined): void {
  if (file !== undefined) files.set(app, file);
}

/** What `make` throws names the file of the app. */
export function inAppFile<T>(app: App, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw inFile(files.get(app), error);
  }
}
