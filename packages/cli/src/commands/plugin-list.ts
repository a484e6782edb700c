import type { Command } from "../framework/command.js";
import { Failure } from "../framework/failure.js";
import { call } from "../framework/secret.js";
import { formatTable } from "../output/columns.js";

const TYPES = ["auth", "database", "secret"] as const;

interface Detail {
  readonly name: string;
  readonly type: string;
  readonly version: string;
}

export const command: Command = {
  usage: "plugin list [options] [TYPE]",
  description: "Lists the engines that can be mounted: all, or those of type auth, database or secret.",
  args: { min: 0, max: 1 },
  run: async (context) => {
    const [type] = context.args;
    if (type !== undefined && !(TYPES as readonly string[]).includes(type)) throw new Failure(`Error parsing type: ${JSON.stringify(type)} is not a supported plugin type`);
    const secret = await context.attempt("Error listing available plugins", call(await context.client(), "GET", "sys/plugins/catalog"));
    const data = (secret?.data ?? {}) as Readonly<Record<string, unknown>> & { readonly detailed?: readonly Detail[] };
    if (context.format !== "table") return context.printData(type === undefined ? data : data[type]);
    const rows = (data.detailed ?? []).filter((one) => type === undefined || one.type === type);
    context.print(formatTable([["Name", "Type", "Version"], ...rows.map(({ name, type: of, version }) => [name, of, version])]));
    return 0;
  },
};
