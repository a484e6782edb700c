import { invalid } from "../errors.js";
import { NO_CONTENT, data, field } from "../framework/index.js";
import { systemPath, withSlash } from "./define.js";
import type { SystemPath } from "./define.js";

const PATH = field.string({ description: "Where the device is enabled.", required: true });

export const auditPaths: readonly SystemPath[] = [
  systemPath({
    template: "audit",
    help: { synopsis: "Lists the audit devices.", description: "Every enabled device by its path." },
    fields: {},
    operations: {
      read: {
        summary: "Lists the audit devices.", effect: "read", access: "sudo",
        handler: async (_request, storage, { services }) => {
          const devices = await services.rooms.audit.list(storage);
          return data(Object.fromEntries(devices.map((device) => [device.path, { ...device }])), { dual: true });
        },
      },
    },
  }),
  systemPath({
    template: "audit/{path...}",
    help: { synopsis: "Enables or disables an audit device.", description: "While devices are enabled, no request is answered that none of them could record." },
    fields: {
      path: PATH,
      type: field.string({ description: "Kind of device: file, socket or syslog.", default: "" }),
      description: field.string({ description: "Free text for people.", default: "" }),
      options: field.pairs({ description: "Settings of the device.", default: {} }),
      local: field.bool({ description: "Not replicated to other clusters.", default: false }),
    },
    operations: {
      update: {
        summary: "Enables an audit device.", effect: "write", access: "sudo",
        handler: async ({ input }, storage, { services }) => {
          const { path, type, description, options, local } = input;
          if (type === "") throw invalid("audit type must be specified as a string");
          await services.rooms.audit.enable(storage, { path: withSlash(path), type, description, options, local });
          return NO_CONTENT;
        },
      },
      delete: {
        summary: "Disables an audit device.", effect: "write", access: "sudo",
        handler: async ({ input }, storage, { services }) => {
          await services.rooms.audit.disable(storage, withSlash(input.path));
          return NO_CONTENT;
        },
      },
    },
  }),
  systemPath({
    template: "audit-hash/{path...}",
    help: { synopsis: "Hashes a value as an audit device does.", description: "To find a known value in a device's records." },
    fields: { path: PATH, input: field.string({ description: "The value.", sensitive: true, default: "" }) },
    operations: {
      update: {
        summary: "Hashes a value as an audit device does.", effect: "read",
        handler: async ({ input }, storage, { services }) => {
          if (input.input === "") throw invalid('the "input" parameter is empty');
          const path = withSlash(input.path);
          const hash = await services.rooms.audit.hash(storage, path, input.input);
          if (hash === undefined) throw invalid(`unknown audit backend ${JSON.stringify(path)}`);
          return data({ hash }, { dual: true });
        },
      },
    },
  }),
];
