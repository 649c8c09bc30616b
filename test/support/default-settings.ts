/** What each listener has that sets nothing itself: the defaults of the rows. */
import { LISTENER_SETTING_ROWS, LISTENER_SETTINGS } from "../../src/options/listener-settings.ts";
import type { ListenerSettings } from "../../src/shared/listener-settings.ts";

export const DEFAULT_SETTINGS = Object.fromEntries(
  LISTENER_SETTINGS.map((name) => [name, LISTENER_SETTING_ROWS[name].fallback]),
) as unknown as ListenerSettings;
