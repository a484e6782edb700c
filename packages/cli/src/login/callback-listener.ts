import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What a provider sent the browser back with. */
export type Callback = { readonly state: string; readonly code: string; readonly error: string };

export type CallbackListener = {
  readonly port: number;
  /**
   * The first call of /oidc/callback; rejects when none comes in time. The browser is told what `finish` resolves or rejects
   * with, and so is the caller.
   */
  wait<T>(finish: (callback: Callback) => Promise<T>, timeoutMs: number): Promise<T>;
  close(): void;
};

/** Listens for the browser that comes back from the provider. Rejects where the port is taken. */
export async function listenForCallback(host: string, port: number): Promise<CallbackListener> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    wait: (finish, timeoutMs) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error("timed out waiting for response from provider")), timeoutMs);
        let isTaken = false;
        server.on("request", (request, response) => {
          const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
          if (request.method !== "GET" || pathname !== "/oidc/callback" || isTaken) {
            response.writeHead(404).end();
            return;
          }
          isTaken = true;
          clearTimeout(timer);
          const of = (name: string): string => searchParams.get(name) ?? "";
          const say = (status: number, title: string, text: string): void => void response.writeHead(status, { "content-type": "text/html; charset=utf-8", connection: "close" }).end(page(title, text));
          finish({ state: of("state"), code: of("code"), error: of("error") }).then(
            (result) => {
              say(200, "Signed in", "You can close this window and go back to your terminal.");
              resolve(result);
            },
            (error: Error) => {
              say(400, "Not signed in", "Your terminal tells why.");
              reject(error);
            },
          );
        });
      }),
    close: () => {
      server.close();
      // What was said to the browser is still sent.
      server.closeIdleConnections();
    },
  };
}

/** Nothing that came with the request is in it. */
function page(title: string, text: string): string {
  return `<!doctype html><meta charset="utf-8"><title>${title}</title><body style="font: 16px system-ui; margin: 4em auto; max-width: 30em"><h1>${title}</h1><p>${text}</p></body>\n`;
}
