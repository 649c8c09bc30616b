/**
 * What a server has towards those who operate it: the control socket and the pid file, in the
 * order in which they come and go with it. Thread: the primary's.
 */
import { resolve } from "node:path";
import type { ResolvedOptions } from "../options.ts";
import { controlExchange } from "./control-exchange.ts";
import { type Controlled, controlResources } from "./control-resources.ts";
import { ControlSocket } from "./control-socket.ts";
import { PidFile } from "./pid-file.ts";

export class Operations {
  readonly #control: ControlSocket | null;
  readonly #pidFile: PidFile | null;

  constructor(options: ResolvedOptions, controlled: Controlled) {
    const { control, pidFile } = options;
    this.#control = control === ""
      ? null
      : new ControlSocket(resolve(control), controlExchange(controlResources(controlled)));
    this.#pidFile = pidFile === "" ? null : new PidFile(resolve(pidFile), undefined);
  }

  /** Before anything is bound: what could fail later is found out. */
  async prepare(): Promise<void> {
    this.#pidFile?.check();
    await this.#control?.open();
  }

  /** The server listens, and its workers take connections. */
  async announce(): Promise<void> {
    await this.#control?.publish(false);
    this.#pidFile?.write();
  }

  /** Nothing of the server is left. */
  async close(): Promise<void> {
    this.#pidFile?.remove();
    await this.#control?.close();
  }
}
