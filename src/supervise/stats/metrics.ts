// The page that Prometheus reads, and two for whoever watches over services. Off unless asked for. Whatever it costs, it costs the
// supervisor and not a packet: it reads the same pages as `stats`.
import { done, failed, type Outcome, reasonOf } from "../../base/outcome.ts";
import { exposition } from "../../control/exposition.ts";
import type { Status } from "../../control/status.ts";
import type { MetricsAddress } from "../start/options.ts";

/** A server that listens; `port` is the real one when 0 was asked for. */
export type MetricsServer = { port: number; close(): Promise<void> };

const textType = "text/plain; version=0.0.4; charset=utf-8";
const plain = { "content-type": "text/plain; charset=utf-8" };

/** Serves /metrics, /healthz and /readyz; or says why the address cannot be had. */
export function serveMetrics({ address, port }: MetricsAddress, status: () => Status): Outcome<MetricsServer> {
  try {
    const server = Bun.serve({
      hostname: address,
      port,
      // Scrapes are small and quick; nobody keeps a connection open for long.
      idleTimeout: 30,
      fetch: (request) => respond(request, status),
    });
    return done({ port: server.port ?? port, close: () => server.stop(true) });
  } catch (error) {
    return failed(`--metrics ${address}:${port}: ${reasonOf(error)}. Choose another address or port.`);
  }
}

/** The answer to one request. */
export function respond(request: Pick<Request, "method" | "url">, status: () => Status): Response {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response("only GET\n", { status: 405, headers: { ...plain, allow: "GET, HEAD" } });
  }
  // A client of HTTP/1.0 names no host.
  switch (new URL(request.url, "http://relay").pathname) {
    case "/metrics":
      return new Response(exposition(status(), Date.now() / 1000), {
        headers: { "content-type": textType },
      });
    case "/healthz":
      return new Response("ok\n", { headers: plain });
    case "/readyz":
      return readiness(status());
    default:
      return new Response("/metrics, /healthz and /readyz are here\n", { status: 404, headers: plain });
  }
}

/** Ready: every worker runs, so every rule that can forward does. */
function readiness({ workers }: Status): Response {
  const missing = workers.filter((worker) => worker.state !== "running");
  const text = missing.map((worker) => `worker on core ${worker.core} is ${worker.state}: ${worker.reason ?? "?"}\n`);
  return new Response(missing.length === 0 ? "ready\n" : text.join(""), {
    status: missing.length === 0 ? 200 : 503,
    headers: plain,
  });
}
