/**
 * An ordered table in the benchmark: as many rows as the environment says, for the same paths. A
 * table of one takes all of them by their prefix.
 */
import { ROWS } from "./rows.mjs";

const handler = () => new Response("Hello, World!");
const one = [{ prefix: "/rows", handler }];
const many = Array.from({ length: ROWS }, (_, at) => ({ path: `/rows/${at}`, handler }));

export default { table: process.env.BENCH_TABLE === "many" ? many : one };
