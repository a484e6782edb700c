import { denied, invalid } from "../errors.js";
import { data, field } from "../framework/index.js";
import type { Caller, EngineRequest, Mount, ReadStorage, Response } from "../framework/index.js";
import { systemPath } from "./define.js";
import type { SystemPath } from "./define.js";
import type { AccessControl } from "./rooms.js";
import type { SystemServices } from "./services.js";

const PATH_FIELDS = {
  paths: field.commaList({ description: "Paths to tell the capabilities on." }),
  path: field.commaList({ description: "Older name of `paths`.", deprecated: true }),
};

function asked(input: { readonly paths: string[] | undefined; readonly path: string[] | undefined }): readonly string[] {
  const paths = input.paths?.length ? input.paths : (input.path ?? []);
  if (paths.length === 0) throw invalid("paths must be supplied");
  return paths;
}

async function answer(access: AccessControl, storage: ReadStorage, caller: Caller, paths: readonly string[]): Promise<Response> {
  const entries: [string, readonly string[]][] = [];
  for (const path of paths) entries.push([path, await access.capabilities(storage, caller, path)]);
  if (entries.length === 1) entries.push(["capabilities", entries[0]![1]]);
  return data(Object.fromEntries(entries), { dual: true });
}

type BearerRequest = EngineRequest<{ readonly paths: string[] | undefined; readonly path: string[] | undefined }>;

async function ofBearer(by: { token: string } | { accessor: string }, unknown: string, request: BearerRequest, storage: ReadStorage, mount: Mount<SystemServices>) {
  const paths = asked(request.input);
  const { access } = mount.services.rooms;
  const bearer = await access.bearer(storage, by);
  if (!bearer) throw invalid(unknown);
  return answer(access, storage, bearer, paths);
}

export const capabilityPaths: readonly SystemPath[] = [
  systemPath({
    template: "capabilities",
    help: { synopsis: "Tells what a token may do on some paths.", description: "The capabilities that the policies of the given token give on each path." },
    fields: { ...PATH_FIELDS, token: field.string({ description: "The token.", sensitive: true, default: "" }) },
    operations: {
      update: { summary: "Tells what a token may do.", effect: "read", handler: (request, storage, mount) => ofBearer({ token: request.input.token }, "1 error occurred:\n\t* invalid token\n\n", request, storage, mount) },
    },
  }),
  systemPath({
    template: "capabilities-accessor",
    help: { synopsis: "Tells what the token of an accessor may do on some paths.", description: "As sys/capabilities, without knowing the token." },
    fields: { ...PATH_FIELDS, accessor: field.string({ description: "Accessor of the token.", default: "" }) },
    operations: {
      update: { summary: "Tells what the token of an accessor may do.", effect: "read", handler: (request, storage, mount) => ofBearer({ accessor: request.input.accessor }, "1 error occurred:\n\t* invalid accessor\n\n", request, storage, mount) },
    },
  }),
  systemPath({
    template: "capabilities-self",
    help: { synopsis: "Tells what the caller may do on some paths.", description: "As sys/capabilities, for the caller's own token." },
    fields: PATH_FIELDS,
    operations: {
      update: {
        summary: "Tells what the caller may do.", effect: "read",
        handler: ({ input, caller }, storage, { services }) => {
          if (!caller) throw denied();
          return answer(services.rooms.access, storage, caller, asked(input));
        },
      },
    },
  }),
];
