/**
 * SIGINT and SIGTERM for `signals: true`: the first drains, a second one forces. Thread: the
 * primary's.
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
