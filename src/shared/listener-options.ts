/** The options of one listener but for its app and its routes. Types only. */
import type { ListenerSettings } from "./listener-settings.ts";

type OwnSettings = { [name in keyof ListenerSettings]?: ListenerSettings[name] | undefined };

export interface ListenerPlace extends OwnSettings {
  id?: string | undefined;
  name?: string | undefined;
  host?: string | undefined;
  port?: number | undefined;
  path?: string | undefined;
  fd?: number | undefined;
  systemd?: string | undefined;
  bind?: string | undefined;
  mode?: number | string | undefined;
  backlog?: number | undefined;
  reopenMax?: number | undefined;
  autoStart?: boolean | undefined;
  comment?: string | undefined;
  accessLog?: boolean | undefined;
  data?: unknown;
}
