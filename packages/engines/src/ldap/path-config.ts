import { NO_CONTENT, data, definePath, tokenFields } from "@coffer/state-machine";
import { changeConfig, configFields, configWarnings, shownConfig } from "./config.js";
import { getConfig, putConfig } from "./storage.js";

export const configPath = definePath({
  template: "config",
  help: {
    synopsis: "Which directory to ask, and how.",
    description: "A write changes what it names and leaves the rest. The password of the account that searches, and the key of the client certificate, are not shown again.",
  },
  fields: { ...configFields, ...tokenFields },
  operations: {
    read: {
      effect: "read",
      summary: "Read the configuration.",
      handler: (_request, storage) => {
        const config = getConfig(storage);
        return data(shownConfig(config), { warnings: configWarnings(config.settings) });
      },
    },
    update: {
      effect: "write",
      summary: "Change the configuration.",
      handler: async ({ input }, storage) => {
        const config = changeConfig(getConfig(storage), input);
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
