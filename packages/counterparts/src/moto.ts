import { join } from "node:path";
import { CACHE, findProgram, freePort, startProgram } from "./program.js";

/** An emulator of AWS (https://docs.getmoto.org): IAM, STS, KMS, EC2 and S3 behind one endpoint, state in memory. */
export interface Moto {
  /** `http://127.0.0.1:PORT`, for every service. */
  readonly endpoint: string;
  /** Forgets everything that was made. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

export const motoProgram = (): string | undefined => findProgram(join(CACHE, "moto/bin/moto_server"), "moto_server");

/** Access keys are not checked; a test that needs refusals sets `INITIAL_NO_AUTH_ACTION_COUNT` in `env`. */
export async function startMoto(env: Readonly<Record<string, string>> = {}): Promise<Moto> {
  const command = motoProgram();
  if (!command) throw new Error("moto_server is not installed; run `node scripts/counterparts.mjs moto`");
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const program = await startProgram({ command, args: ["-H", "127.0.0.1", "-p", String(port)], env, isReady: async () => (await fetch(`${endpoint}/moto-api/data.json`)).ok });
  return {
    endpoint,
    async reset() {
      await fetch(`${endpoint}/moto-api/reset`, { method: "POST" });
    },
    stop: () => program.stop(),
  };
}
