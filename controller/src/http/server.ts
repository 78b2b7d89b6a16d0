// The listener of the console and the REST API. A service of main.ts; started last, so that it answers when all works.
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { servesTls } from "../addresses.ts";
import type { Context } from "../context.ts";
import type { Running, Service } from "../service.ts";
import { cannotListen, StartRefused } from "../start-refused.ts";
import { createApp } from "./app.ts";
import { answerMalformed, refuseExpectation, refuseUnclear } from "./malformed-request.ts";
import { refuseOtherHosts } from "./refuse-other-hosts.ts";
import { loadTlsCertificate, type TlsCertificate } from "./tls-certificate.ts";

// Without requireHostHeader, a request that lacks it is refused in words; see refuseUnclear.
const options = { keepAliveTimeout: 65_000, headersTimeout: 20_000, requestTimeout: 120_000, requireHostHeader: false };
/** Files are read again this often, so that a renewed certificate serves soon. */
const certificateCheckMs = 60_000;
/** Requests under way get this long before their connections are cut. */
const drainMs = 5_000;

export const httpServer: Service = { name: "http", start: (ctx) => startHttpServer(ctx) };

/** `port` matters when 0 was asked for. */
export async function startHttpServer(
  ctx: Context,
  { checkCertificateMs = certificateCheckMs } = {},
): Promise<Running & { port: number }> {
  const app = getRequestListener(createApp(ctx).fetch) as RequestListener;
  const listener = refuseUnclear(refuseOtherHosts(app, ctx.config, ctx.newId), ctx.newId);
  const certificate = servesTls(ctx.config) ? await loadTlsCertificate(ctx) : undefined;
  const server = certificate ? secureServer(certificate, listener) : createHttpServer(options, listener);
  server.on("clientError", (error, socket) => {
    ctx.log.debug({ err: error }, "http.malformed_request");
    answerMalformed(error, socket, ctx.newId());
  });
  server.on("checkExpectation", (_, response) => refuseExpectation(response, ctx.newId()));
  server.on("connect", (_, socket) => answerMalformed(new Error("this is no proxy"), socket, ctx.newId()));
  await listen(server, ctx);
  const renewal = certificate
    ? renewCertificate(ctx, server as HttpsServer, certificate, checkCertificateMs)
    : undefined;
  const { port } = server.address() as AddressInfo;
  ctx.log.info({ host: ctx.config.httpAddr.host, port, tls: certificate !== undefined }, "http.listening");
  const stop = async () => {
    clearInterval(renewal);
    await close(server);
  };
  return { port, stop };
}

function secureServer({ cert, key }: TlsCertificate, listener: RequestListener): HttpsServer {
  try {
    return createHttpsServer({ ...options, cert, key, minVersion: "TLSv1.2" }, listener);
  } catch (cause) {
    const why = (cause as Error).message;
    throw new StartRefused(`OC_TLS_CERT_FILE and OC_TLS_KEY_FILE do not make a working pair: ${why}`, {
      exitCode: 2,
      cause,
    });
  }
}

async function listen(server: Server, ctx: Context): Promise<void> {
  const { httpAddr } = ctx.config;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(httpAddr.port, httpAddr.host, () => resolve());
    });
    server.removeAllListeners("error");
    server.on("error", (error) => ctx.log.error({ err: error }, "http.error"));
  } catch (error) {
    throw cannotListen("OC_HTTP_ADDR", httpAddr, error);
  }
}

function renewCertificate(ctx: Context, server: HttpsServer, first: TlsCertificate, everyMs: number): NodeJS.Timeout {
  let current = first;
  return setInterval(async () => {
    if (current.renewAt && current.renewAt > ctx.now()) return;
    try {
      const next = await loadTlsCertificate(ctx);
      if (next.cert === current.cert) return;
      server.setSecureContext({ cert: next.cert, key: next.key, minVersion: "TLSv1.2" });
      current = next;
      ctx.log.info({ renewAt: next.renewAt }, "http.certificate_renewed");
    } catch (error) {
      ctx.log.error({ err: error }, "http.certificate_not_renewed");
    }
  }, everyMs);
}

async function close(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  // A connection that was busy when the stop began stays open after its answer, until its keep-alive ends.
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const cut = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}
