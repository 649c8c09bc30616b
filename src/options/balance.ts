/** The option `balance`: the names of the policies, and their numbers in the core. Pure. */
import {
  BALANCE_ADDRESS, BALANCE_LEAST_BUSY, BALANCE_LEAST_CONNECTIONS, BALANCE_ROUND_ROBIN,
} from "../shared/layout.ts";

export type BalancePolicy = "least-connections" | "least-busy" | "round-robin" | "client-address";

/** As the core knows them; what each does is in core/balancer.cc. */
export const BALANCE_NUMBERS: Readonly<Record<BalancePolicy, number>> = {
  "least-connections": BALANCE_LEAST_CONNECTIONS,
  "least-busy": BALANCE_LEAST_BUSY,
  "round-robin": BALANCE_ROUND_ROBIN,
  "client-address": BALANCE_ADDRESS,
};

export const BALANCE_POLICIES: readonly string[] = Object.keys(BALANCE_NUMBERS);
