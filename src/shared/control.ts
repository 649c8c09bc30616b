/** What the resources of the control socket answer, as JSON. Types only; docs/control.md tells. */
import type { ListenerInfo, ListenerStats, Stats } from "./app.ts";

/** A listener with what it has counted. */
export interface ControlListener extends ListenerInfo, Omit<ListenerStats, "id"> {}

/** `GET /status`. */
export interface ControlStatus {
  readonly pid: number;
  /** Of Millrace. */
  readonly version: string;
  /** Of Node.js. */
  readonly node: string;
  readonly state: "serving" | "draining";
  readonly generation: number;
  /** Of the process. */
  readonly uptimeMs: number;
  readonly connections: number;
  readonly requests: number;
  readonly workers: Stats["workers"];
  readonly listeners: readonly ControlListener[];
}

/** `POST /drain`. */
export interface DrainStarted {
  readonly state: "draining";
  readonly pid: number;
}

/** `POST /upgrade`: the new process serves, this one drains. */
export interface UpgradeResult {
  readonly pid: number;
  /** Listeners that the new process does not have: they end with this one. */
  readonly dropped: readonly string[];
}

/** The body of every answer that is no success. */
export interface ControlProblem {
  readonly error: { readonly code: string; readonly message: string };
}
