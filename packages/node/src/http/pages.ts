import type { IncomingMessage, ServerResponse } from "node:http";
import { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type express from "express";
import type { Express, RequestHandler } from "express";

type Library = typeof express;

export interface PagesOptions {
  /** Whether `/` leads to the UI. */
  readonly ui: boolean;
  /** What serves pages (the UI's files, say), asked in turn. */
  readonly handlers?: readonly RequestHandler[];
}

/** Everything that is not /v1/. Express is loaded with the first of it: clients of the API do not wait for that at a start. */
export function createPages(options: PagesOptions): (request: IncomingMessage, response: ServerResponse) => void {
  let apps: Promise<Apps> | undefined;
  return (request, response) => void (apps ??= createApps(options)).then(({ http1, http2 }) => (request.httpVersionMajor === 2 ? http2 : http1)(request, response));
}

interface Apps {
  readonly http1: Express;
  readonly http2: Express;
}

async function createApps(options: PagesOptions): Promise<Apps> {
  const { default: library } = await import("express");
  return { http1: createApp(library, options), http2: overHttp2(library, createApp(library, options)) };
}

function createApp(express: Library, { ui, handlers = [] }: PagesOptions): Express {
  const app = express().disable("x-powered-by").disable("etag");
  if (ui) app.get("/", (_request, response) => response.redirect(307, "/ui/"));
  for (const handler of handlers) app.use(handler);
  app.use((_request, response) => void response.status(404).json({ errors: ["not found"] }));
  return app;
}

/** Express puts its own methods over those of HTTP/1 messages, which does not suit HTTP/2's: it needs them over those. */
function overHttp2(express: Library, app: Express): Express {
  const own = (name: "request" | "response") => Object.getOwnPropertyDescriptors(express[name]);
  app.request = Object.create(Object.create(Http2ServerRequest.prototype, own("request")), Object.getOwnPropertyDescriptors(app.request)) as typeof app.request;
  app.response = Object.create(Object.create(Http2ServerResponse.prototype, own("response")), Object.getOwnPropertyDescriptors(app.response)) as typeof app.response;
  return app;
}
