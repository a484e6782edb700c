import { loadConfiguration } from "../configuration/index.js";
import type { Configuration } from "../configuration/types.js";
import type { Logger } from "../logging/logger.js";
import { clusterListenAddress } from "../server/backing.js";
import { examine } from "./finding.js";
import type { Finding } from "./finding.js";
import { checkAddresses, checkListeners } from "./listeners.js";
import { checkOperatingSystem } from "./operating-system.js";
import { checkSeals } from "./seals.js";
import { checkStorage } from "./storage.js";

/** Checks that can be left out: of a server that runs its ports and its storage are in use. */
export const SKIPPABLE = Object.freeze(["listener", "storage", "autounseal"] as const);
export type Skippable = (typeof SKIPPABLE)[number];

const nothing = () => undefined;
/** What is found is told once, by the findings. */
const QUIET: Logger = { log: nothing, trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };

/** What `coffer server` with this configuration would stumble over, found without starting it. Never rejects. */
export function diagnose(configPaths: readonly string[], skips: readonly Skippable[]): Promise<Finding> {
  return examine("Vault Diagnose", async (check) => {
    await check.look("Check Operating System", checkOperatingSystem);
    let configuration: Configuration | undefined;
    await check.look("Parse Configuration", ({ warn }) => {
      configuration = loadConfiguration(configPaths);
      for (const warning of configuration.warnings) warn(warning);
    });
    // Nothing else can be told then.
    if (!configuration) return;
    const found = configuration;
    const unless = (name: Skippable, title: string, work: Parameters<typeof check.look>[1]) => check.look(title, (inner) => (skips.includes(name) ? inner.skip(`-skip=${name}`) : work(inner)));
    await unless("storage", "Check Storage", (inner) => checkStorage(found, QUIET, inner));
    await unless("autounseal", "Check Seals", (inner) => checkSeals(found, QUIET, inner));
    await check.look("Check Addresses", (inner) => checkAddresses(found, inner));
    await unless("listener", "Start Listeners", (inner) => checkListeners(found, clusterListenAddress(found), inner));
  });
}
