/**
 * SIGINT and SIGTERM for `signals: true`: the first drains, a second one forces; SIGHUP, which
 * loads the app anew; and SIGUSR2, which has the logs opened again. Thread: the primary's.
 */
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Returns what takes the handlers off again. */
export function handleSignals(close: (force: boolean) => void): () => void {
  let count = 0;
  const onSignal = (): void => close(count++ > 0);
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return () => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
}

/** What SIGUSR2 acts on. */
export interface Rotated {
  reopenLogs(): Promise<void>;
  emit(event: string, detail: unknown): void;
}

/** SIGUSR2 opens the logs again; a failure is an `error` event. Returns what takes it off again. */
export function handleRotation(server: Rotated): () => void {
  const onSignal = (): void => {
    server.reopenLogs().catch((error: unknown) => server.emit("error", error));
  };
  process.on("SIGUSR2", onSignal);
  return () => process.off("SIGUSR2", onSignal);
}

/** What SIGHUP acts on. */
export interface Reloaded {
  reload(): Promise<unknown>;
  emit(event: string, detail: unknown): void;
}

/** SIGHUP loads the app anew; a failure is an `error` event. Returns what takes it off again. */
export function handleReload(server: Reloaded): () => void {
  const onSignal = (): void => {
    server.reload().catch((error: unknown) => server.emit("error", error));
  };
  process.on("SIGHUP", onSignal);
  return () => process.off("SIGHUP", onSignal);
}
