/**
 * Folders below a root, opened before anything is done in them: the system is asked where the open
 * folder lies, and it is named through its descriptor from then on, so that no link leads out of
 * the root in the meantime. Any thread.
 */
import { constants } from "node:fs";
import { type FileHandle, open, readlink } from "node:fs/promises";

/** What is no folder is refused, and a FIFO's writer not waited for. */
const FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NONBLOCK;

/** Whoever asks closes it. `root`: a canonical path. Null: there is no such folder in it. */
export async function openFolder(root: string, path: string): Promise<FileHandle | null> {
  let folder: FileHandle;
  try {
    folder = await open(path, FLAGS);
  } catch {
    return null;
  }
  const place = await readlink(pathOf(folder)).catch(() => "");
  const front = root === "/" ? root : `${root}/`;
  if (place === root || place.startsWith(front)) return folder;
  await folder.close();
  return null;
}

/** Names the folder itself for as long as it is open. */
export function pathOf({ fd }: FileHandle): string {
  return `/proc/self/fd/${fd}`;
}
