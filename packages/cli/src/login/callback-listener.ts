import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a provider sent the browser back with: in the URL, or in a form that it had the browser post (form_post). */
export type Callback = { readonly state: string; readonly code: string; readonly idToken: string; readonly error: string; readonly isPosted: boolean };

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
          const isPosted = request.method === "POST";
          if ((request.method !== "GET" && !isPosted) || pathname !== "/oidc/callback" || isTaken) {
            response.writeHead(404).end();
            return;
          }
          isTaken = true;
          clearTimeout(timer);
          const given = isPosted ? formOf(request) : Promise.resolve(searchParams);
          given.then((values) => finish(callbackFrom(values, isPosted))).then(
            (result) => {
              say(response, 200, "Signed in", "You can close this window and go back to your terminal.");
              resolve(result);
            },
            (error: Error) => {
              say(response, 400, "Not signed in", "Your terminal tells why.");
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

/** An ID token has a few thousand characters. */
const MAX_FORM_BYTES = 65_536;

/** Rejects what is no form, or too long for one. */
async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  if (!/^application\/x-www-form-urlencoded/i.test(request.headers["content-type"] ?? "")) throw new Error("the provider had the browser post something that is no form");
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_FORM_BYTES) throw new Error("the provider had the browser post a form that is too large");
    parts.push(part);
  }
  return new URLSearchParams(Buffer.concat(parts).toString());
}

function callbackFrom(values: URLSearchParams, isPosted: boolean): Callback {
  const of = (name: string): string => values.get(name) ?? "";
  return { state: of("state"), code: of("code"), idToken: of("id_token"), error: of("error"), isPosted };
}

function say(response: ServerResponse, status: number, title: string, text: string): void {
  response.writeHead(status, { "content-type": "text/html; charset=utf-8", connection: "close" }).end(page(title, text));
}

/** Nothing that came with the request is in it. */
function page(title: string, text: string): string {
  return `<!doctype html><meta charset="utf-8"><title>${title}</title><body style="font: 16px system-ui; margin: 4em auto; max-width: 30em"><h1>${title}</h1><p>${text}</p></body>\n`;
}
