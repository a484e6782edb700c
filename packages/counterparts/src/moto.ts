import { join } from "node:path";
import { freePort } from "./ports.js";
import { CACHE, findProgram, startProgram } from "./program.js";

/** An emulator of AWS (https://docs.getmoto.org): IAM, STS, KMS, EC2 and S3 behind one endpoint, state in memory. */
export interface Moto {
  /** `http://127.0.0.1:PORT`, for every service. */
  readonly endpoint: string;
  /**
   * Asks a service as an administrator of the account would: `iam` or `sts`, an action and its parameters. Resolves with the XML
   * that comes; rejects where AWS would refuse.
   */
  ask(service: "iam" | "sts", action: string, parameters?: Readonly<Record<string, string>>): Promise<string>;
  /** Forgets everything that was made. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

export const motoProgram = (): string | undefined => findProgram(join(CACHE, "moto/bin/moto_server"), "moto_server");

const VERSIONS = { iam: "2010-05-08", sts: "2011-06-15" } as const;

/** The texts of all elements of this name. */
export const xmlTexts = (xml: string, name: string): string[] => [...xml.matchAll(new RegExp(`<${name}>([^<]+)</${name}>`, "g"))].map(([, text]) => text!);

/** Access keys are not checked; a test that needs refusals sets `INITIAL_NO_AUTH_ACTION_COUNT` in `env`. */
export async function startMoto(env: Readonly<Record<string, string>> = {}): Promise<Moto> {
  const command = motoProgram();
  if (!command) throw new Error("moto_server is not installed; run `node scripts/counterparts.mjs moto`");
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const program = await startProgram({ command, args: ["-H", "127.0.0.1", "-p", String(port)], env, isReady: async () => (await fetch(`${endpoint}/moto-api/data.json`)).ok });
  return {
    endpoint,
    async ask(service, action, parameters = {}) {
      const body = new URLSearchParams({ Action: action, Version: VERSIONS[service], ...parameters });
      const authorization = `AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`;
      const answer = await fetch(endpoint, { method: "POST", body, headers: { authorization } });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${action}: ${text}`);
      return text;
    },
    async reset() {
      await fetch(`${endpoint}/moto-api/reset`, { method: "POST" });
    },
    stop: () => program.stop(),
  };
}
