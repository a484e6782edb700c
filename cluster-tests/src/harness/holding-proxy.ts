import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** An HTTP proxy in front of one server that passes requests on, and can keep an answer to itself: what was asked is done, and nobody hears. */
export interface HoldingProxy {
  readonly endpoint: string;
  /** Holds the answer to the next request whose body has this text. Resolves once the server has answered; nobody ever gets that answer. */
  holdAnswerTo(text: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startHoldingProxy(target: string): Promise<HoldingProxy> {
  let wanted: { readonly text: string; readonly answered: () => void } | undefined;
  const server = createServer((asked, answer) => {
    const chunks: Buffer[] = [];
    asked.on("data", (chunk: Buffer) => chunks.push(chunk));
    asked.on("end", () => {
      const body = Buffer.concat(chunks);
      const held = wanted && body.includes(wanted.text) ? wanted : undefined;
      if (held) wanted = undefined;
      const passed = request(new URL(asked.url ?? "/", target), { method: asked.method, headers: asked.headers }, (answered) => {
        if (held) {
          answered.resume().on("end", held.answered);
          return;
        }
        answer.writeHead(answered.statusCode ?? 502, answered.headers);
        answered.pipe(answer);
      });
      passed.on("error", () => answer.destroy());
      passed.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    holdAnswerTo: (text) => new Promise((resolve) => (wanted = { text, answered: resolve })),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
