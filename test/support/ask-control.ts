/** Asks a control socket, as curl would. */
import { request } from "node:http";

export interface Told {
  readonly status: number;
  // any: what a resource answers is for the test to compare
  readonly value: any;
}

export async function askControl(
  socketPath: string,
  name: string,
  body?: string | object,
): Promise<Told> {
  const [method, path] = name.split(" ");
  const text = typeof body === "object" ? JSON.stringify(body) : body;
  return await new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path, agent: false }, (incoming) => {
      let received = "";
      incoming.setEncoding("utf8").on("data", (chunk: string) => (received += chunk));
      incoming.on("error", reject);
      incoming.on("end", () => {
        resolve({ status: incoming.statusCode ?? 0, value: JSON.parse(received) });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(text);
  });
}
