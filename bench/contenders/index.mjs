/**
 * The servers that are compared, in the order of the report. A contender:
 *
 *   name, title      the key in results and the label in the report
 *   version()        what is measured; null when it is not there, and the report says so
 *   command(port, directory, scenario)
 *                    { file, args, env? } that serves on 127.0.0.1:port; `directory` is a
 *                    scratch folder of its own
 *   scenarios        the names of those it takes part in; all where absent
 *   pathOf(path)     where its path is another than the scenario's
 *   portOf(scenario, port)
 *                    where its port is another than the one it was given
 */
import broadcast from "./broadcast.mjs";
import bun from "./bun.mjs";
import deno from "./deno.mjs";
import epoll from "./epoll.mjs";
import fastify from "./fastify.mjs";
import millrace from "./millrace.mjs";
import millraceLogged from "./millrace-logged.mjs";
import { tableOfMany, tableOfOne } from "./millrace-table.mjs";
import nginx from "./nginx.mjs";
import nodeHttp from "./node-http.mjs";
import nodeNet from "./node-net.mjs";
import ws from "./ws.mjs";

export const contenders = [
  epoll, millrace, millraceLogged, tableOfOne, tableOfMany,
  nginx, bun, deno, nodeHttp, fastify, nodeNet, ws, broadcast,
];

/** The one that all ratios are against. */
export const yardstick = epoll;
