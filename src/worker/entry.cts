/**
 * What Piscina loads in each thread. CommonJS on purpose: Piscina tries `require` first, and Node.js
 * (20.20 and later) ends the whole process with a fatal error if a thread is terminated while
 * `require` links an ES module, as happens when a start takes too long or is cut. Ended in the
 * middle of `import`, a thread only ends. Thread: the worker's.
 */
module.exports = async (task: unknown): Promise<void> => {
  const { default: serve } = await import("./main.ts");
  await serve(task as Parameters<typeof serve>[0]);
};
