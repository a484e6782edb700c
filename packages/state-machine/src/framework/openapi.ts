import type { Engine, OperationName } from "./engine.js";
import type { Field } from "./fields.js";
import type { AnyPath, Operation } from "./path.js";

type Json = Record<string, unknown>;

/** HTTP method of each operation; lists are GET with `list=true`, as the OpenAPI of Vault shows them. */
const METHODS = { read: "get", list: "get", scan: "get", update: "post", patch: "patch", delete: "delete" } as const satisfies Record<OperationName, string>;

/** OpenAPI 3.0 of some mounts: one source, the declarations. `mount` carries `auth/` for auth mounts and ends in `/`. */
export function openApiDocument(mounts: readonly { readonly mount: string; readonly engine: Engine }[], version: string): Json {
  const paths: Json = {};
  for (const { mount, engine } of mounts) {
    for (const declaration of engine.paths) {
      const template = declaration.template.replaceAll("...}", "}").replace(/\/$/, "");
      paths[`/${mount}${template}`] = pathItem(mount, declaration, engine);
    }
  }
  return {
    openapi: "3.0.2",
    info: { title: "Coffer API", description: "HTTP API that gives you full access to Coffer. All API routes are prefixed with `/v1/`.", version, license: { name: "Mozilla Public License 2.0", url: "https://www.mozilla.org/en-US/MPL/2.0" } },
    paths,
    components: { schemas: {} },
  };
}

function pathItem(mount: string, declaration: AnyPath, engine: Engine): Json {
  const fields = declaration.fields as Record<string, Field<unknown>>;
  const inPath = new Set([...declaration.template.matchAll(/\{(\w+)(?:\.\.\.)?\}/g)].map((match) => match[1]!));
  const operations = Object.entries(declaration.operations) as [OperationName, Operation<never, unknown>][];
  const item: Json = {
    description: declaration.help.synopsis.trim(),
    parameters: [...inPath].map((name) => ({ name, description: fields[name]!.description, in: "path", schema: fields[name]!.kind.openapi, required: true })),
  };
  if (declaration.exists) item["x-vault-createSupported"] = true;
  if (operations.some(([, operation]) => operation.access === "sudo")) item["x-vault-sudo"] = true;
  if (operations.some(([, operation]) => operation.access === "none")) item["x-vault-unauthenticated"] = true;
  for (const [name, operation] of operations) {
    const method = METHODS[name];
    if (item[method] !== undefined && name !== "read") continue;
    item[method] = operationItem(mount, declaration, engine, name, operation, fields, inPath);
  }
  return item;
}

function operationItem(mount: string, declaration: AnyPath, engine: Engine, name: OperationName, operation: Operation<never, unknown>, fields: Record<string, Field<unknown>>, inPath: ReadonlySet<string>): Json {
  const others = Object.entries(fields).filter(([field]) => !inPath.has(field));
  const writes = name === "update" || name === "patch";
  const item: Json = {
    summary: operation.summary,
    operationId: `${mount.replace(/\/$/, "")}-${name === "update" ? "write" : name}-${declaration.template}`.replace(/[{}]/g, "").replace(/[^\w]+/g, "-").replace(/-+$/, ""),
    tags: [engine.table === "auth" ? "auth" : engine.type === "system" ? "system" : "secrets"],
    responses: Object.fromEntries(Object.entries(operation.responses ?? { [name === "delete" ? 204 : 200]: name === "delete" ? "empty body" : "OK" }).map(([status, description]) => [status, { description }])),
  };
  if (name === "list" || name === "scan") item["parameters"] = [{ name, description: "Must be set to `true`", in: "query", required: true, schema: { type: "string", enum: ["true"] } }];
  else if (!writes && others.length > 0) item["parameters"] = others.map(([field, { description, kind }]) => ({ name: field, description, in: "query", schema: kind.openapi }));
  if (writes && others.length > 0) {
    const required = others.filter(([, field]) => field.required).map(([field]) => field);
    item["requestBody"] = {
      content: {
        [name === "patch" ? "application/merge-patch+json" : "application/json"]: {
          schema: { type: "object", properties: Object.fromEntries(others.map(([field, declared]) => [field, property(declared)])), ...(required.length > 0 && { required }) },
        },
      },
    };
  }
  return item;
}

function property(declared: Field<unknown>): Json {
  return {
    ...declared.kind.openapi,
    description: declared.description,
    ...(declared.default !== undefined && { default: declared.default }),
    ...(declared.deprecated && { deprecated: true }),
    ...(declared.allowed && { enum: declared.allowed }),
    ...(declared.sensitive && { "x-vault-displayAttrs": { sensitive: true } }),
  };
}
