import { randomBytes, timingSafeEqual } from "node:crypto";
import type { Configuration } from "../configuration/types.js";
import type { Logger } from "../logging/logger.js";
import { openSeals } from "../seals/index.js";
import type { Check } from "./finding.js";
import { within } from "./within.js";

const PROBE_BYTES = 32;
const SEAL_MS = 30_000;

/** Wraps and unwraps something of no worth with each seal, as a start does with the root key. */
export async function checkSeals({ seals }: Configuration, logger: Logger, check: Check): Promise<void> {
  if (seals.length === 0) return check.look("Check Autounseal Encryption", ({ skip }) => skip("The root key is kept by key shares."));
  const opened = openSeals({ seals, environment: process.env, logger, now: () => Date.now() });
  try {
    for (const seal of opened.all) {
      await check.look(`Check Autounseal Encryption ${seal.name}`, async ({ skip }) => {
        if (seal.disabled) return skip("It is disabled: it opens what it wrapped before, and wraps nothing.");
        const plaintext = randomBytes(PROBE_BYTES);
        const work = seal.wrap(plaintext).then((wrapped) => seal.unwrap(wrapped));
        const back = await within(SEAL_MS, `It did not answer within ${SEAL_MS / 1000} seconds.`, work);
        if (back.length !== PROBE_BYTES || !timingSafeEqual(back, plaintext)) throw new Error("What it unwrapped is not what it wrapped.");
        return undefined;
      });
    }
  } finally {
    opened.close();
  }
}
