/** The options of one listener, but for an app that is a value. Types only. */
import type { ListenerSettings } from "./listener-settings.ts";
import type { RouteRow } from "./routes.ts";

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

/** Of a listener that a worker adds: functions cannot be given to another thread. */
export interface SentListenerOptions extends ListenerPlace {
  app?: string | undefined;
  routes?: string | readonly RouteRow[] | undefined;
}
