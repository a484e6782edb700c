import { randomBytes, timingSafeEqual } from "node:crypto";
import { RequestError } from "@coffer/state-machine";
import type { RootKeyWrap, SealBackend, SealSet } from "@coffer/state-machine";
import type { AutoSealConfiguration } from "../configuration/types.js";
import type { Environment } from "../configuration/environment.js";
import type { Logger } from "../logging/logger.js";
import { createAwskmsSeal } from "./awskms-seal.js";
import type { Seal } from "./seal.js";
import { createStaticSeal } from "./static-seal.js";
import { trackSeal } from "./tracked-seal.js";
import type { TrackedSeal } from "./tracked-seal.js";
import { createTransitSeal } from "./transit-seal.js";

/** The seals of this node's configuration. None: key shares are all there is. */
export interface NodeSeals extends SealSet {
  /** In the order of their priority. */
  readonly all: readonly TrackedSeal[];
  /** The enabled ones. */
  backends(): readonly SealBackend[];
  /** Wraps and unwraps something of no worth with each enabled seal; what comes of it shows in their health. Never rejects. */
  probe(): Promise<void>;
  close(): void;
}

export interface SealSetOptions {
  readonly seals: readonly AutoSealConfiguration[];
  readonly environment: Environment;
  readonly logger: Logger;
  readonly now: () => number;
}

const PROBE_BYTES = 32;

/** Throws ConfigurationError for a seal that cannot be made of its settings. */
export function openSeals({ seals, environment, logger, now }: SealSetOptions): NodeSeals {
  const all = [...seals].sort((a, b) => a.priority - b.priority).map((one) => trackSeal(one, openSeal(one, environment, logger), logger, now));
  return sealSet(all);
}

function openSeal({ type, options }: AutoSealConfiguration, environment: Environment, logger: Logger): Seal {
  switch (type) {
    case "awskms":
      return createAwskmsSeal(options);
    case "transit":
      return createTransitSeal(options, logger);
    case "static":
      return createStaticSeal(options, environment);
  }
}

const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

export function sealSet(all: readonly TrackedSeal[]): NodeSeals {
  const enabled = all.filter(({ disabled }) => !disabled);
  const byUse = [...enabled, ...all.filter(({ disabled }) => disabled)];

  return {
    all,
    type: enabled[0]?.type ?? "shamir",
    async wrap(rootKey) {
      const failures: string[] = [];
      const wraps = await Promise.all(
        enabled.map(async (seal): Promise<RootKeyWrap | undefined> => {
          try {
            return { name: seal.name, type: seal.type, keyId: seal.keyId, ciphertext: await seal.wrap(rootKey) };
          } catch (error) {
            failures.push(reasonOf(error));
            return undefined;
          }
        }),
      );
      const made = wraps.filter((wrap) => wrap !== undefined);
      if (made.length === 0) throw new RequestError("upstream_failed", `no seal can wrap the root key: ${failures.join("; ")}`);
      return made;
    },
    async unwrap(wraps) {
      const failures: string[] = [];
      for (const seal of byUse) {
        // A seal that got another name since is still the same one.
        for (const wrap of wraps.filter(({ type }) => type === seal.type).sort((a, b) => Number(b.name === seal.name) - Number(a.name === seal.name))) {
          try {
            return await seal.unwrap(wrap.ciphertext);
          } catch (error) {
            failures.push(reasonOf(error));
          }
        }
      }
      const held = wraps.map(({ name, type }) => (name === type ? type : `${name} (${type})`)).join(", ");
      throw new RequestError("upstream_failed", failures.length > 0 ? failures.join("; ") : `the root key is wrapped by ${held || "nobody"}, and the configuration has no such seal: put its block back, with disabled = "true" to move to ${enabled[0]?.name ?? "key shares"}`);
    },
    isCurrent: (wraps) => wraps.length === enabled.length && enabled.every((seal) => wraps.some((wrap) => wrap.name === seal.name && wrap.type === seal.type && wrap.keyId === seal.keyId)),
    backends: () => enabled.map((seal) => seal.health()),
    async probe() {
      await Promise.all(
        enabled.map(async (seal) => {
          const probe = randomBytes(PROBE_BYTES);
          try {
            const back = await seal.unwrap(await seal.wrap(probe));
            if (back.length !== probe.length || !timingSafeEqual(back, probe)) throw new Error("it gives back something else than it was given");
          } catch {
            // Its health says so, and the log.
          }
        }),
      );
    },
    close() {
      for (const seal of all) seal.close();
    },
  };
}
