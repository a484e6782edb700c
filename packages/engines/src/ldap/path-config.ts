import { NO_CONTENT, data, definePath, tokenFields } from "@coffer/state-machine";
import { automatedRotationFields, failureWarnings, NOT_ROTATED } from "../rotation/automated.js";
import { changeConfig, configFields, configWarnings, shownConfig } from "./config.js";
import { rotateRoot } from "./root-rotation.js";
import { getConfig, putConfig } from "./storage.js";

export const configPath = definePath({
  template: "config",
  help: {
    synopsis: "Which directory to ask, and how.",
    description: "A write changes what it names and leaves the rest. The password of the account that searches, and the key of the client certificate, are not shown again.",
  },
  fields: { ...configFields, ...tokenFields, ...automatedRotationFields },
  operations: {
    read: {
      effect: "read",
      summary: "Read the configuration.",
      handler: (_request, storage) => {
        const config = getConfig(storage);
        const { warnings = [] } = failureWarnings(config.rotation ?? NOT_ROTATED, "rotate the password of the account that searches");
        return data(shownConfig(config), { warnings: [...configWarnings(config.settings), ...warnings] });
      },
    },
    update: {
      effect: "write",
      summary: "Change the configuration.",
      handler: async ({ input }, storage, { env }) => {
        const config = changeConfig(getConfig(storage), input, env.now());
        // The library of LDAP comes with it: a node that never speaks to a directory never loads it.
        const { checkTemplate } = await import("./template.js");
        checkTemplate("userfilter", config.settings.userfilter, ["UserAttr", "Username"]);
        checkTemplate("groupfilter", config.settings.groupfilter, ["UserDN", "Username"]);
        putConfig(storage, config);
        return { ...NO_CONTENT, warnings: configWarnings(config.settings) };
      },
    },
  },
});

export const rotateRootPath = definePath({
  template: "config/rotate-root",
  help: {
    synopsis: "Gives the account that searches a new password.",
    description: "The account changes its own password, which nobody is told, and which only this method knows from then on.",
  },
  fields: {},
  operations: {
    update: {
      effect: "write",
      summary: "Rotate the password of the account that searches.",
      handler: async (_request, storage, mount) => {
        await rotateRoot(storage, mount);
        return NO_CONTENT;
      },
    },
  },
});
