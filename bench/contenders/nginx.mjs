/**
 * nginx with one worker process, fixed answers, and files by sendfile, whose descriptors it keeps
 * as Millrace does; only when it is installed.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isInstalled } from "../lib/process.mjs";
import { FILES_ROOT } from "../lib/served-files.mjs";

/** /usr/sbin is not in every user's PATH. */
const binary = ["nginx", "/usr/sbin/nginx"].find(isInstalled);

const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

/** keepalive_requests: by default nginx closes a connection after 1,000 requests. */
const configuration = (port, directory) => `
daemon off;
${process.getuid() === 0 ? "user root;" : ""}
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${join(directory, "nginx.pid")};
error_log stderr crit;
events { worker_connections 16384; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 75s;
  default_type text/plain;
  sendfile on;
  tcp_nopush on;
  open_file_cache max=256;
  open_file_cache_valid 1s;
  ${temporary.map((name) => `${name}_temp_path ${join(directory, name)};`).join("\n  ")}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = / { return 200 "Hello, World!"; }
    location = /constant { return 200 "Hello, World!"; }
    location = /json { default_type application/json; return 200 '{"message":"Hello, World!"}'; }
    location /files/ { alias ${FILES_ROOT}/; }
    location ~ ^/users/(?<id>[^/]+)$ { return 200 "$id"; }
  }
}
`;

function version() {
  if (!binary) return null;
  const { stderr } = spawnSync(binary, ["-v"], { encoding: "utf8" });
  return /nginx\/(\S+)/.exec(stderr)?.[1] ?? "unknown";
}

export default {
  name: "nginx",
  title: "nginx",
  version,
  command(port, directory) {
    const file = join(directory, "nginx.conf");
    writeFileSync(file, configuration(port, directory));
    return { file: binary, args: ["-p", directory, "-c", file] };
  },
  scenarios: "hello headers json param pipelined constant file-1k file-1m churn idle".split(" "),
};
