import type { Engine } from "./engine.js";
import type { AnyPath } from "./path.js";

export interface PathMatch {
  readonly declaration: AnyPath;
  readonly parameters: Readonly<Record<string, string>>;
}

export interface CompiledEngine {
  readonly engine: Engine;
  /** `path` is below the mount; a trailing slash does not count. A `{path...}` matches nothing at all only for lists. */
  match(path: string, isList: boolean): PathMatch | undefined;
}

interface Node {
  readonly literals: Map<string, Node>;
  parameter: { name: string; node: Node } | undefined;
  rest: { name: string; declaration: AnyPath } | undefined;
  here: AnyPath | undefined;
}

const newNode = (): Node => ({ literals: new Map(), parameter: undefined, rest: undefined, here: undefined });
const NONE: Readonly<Record<string, string>> = Object.freeze({});

/** Literal segments win over parameters, parameters over the rest; no backtracking beyond the depth of the path. */
export function compileEngine(engine: Engine): CompiledEngine {
  const root = newNode();
  for (const declaration of engine.paths) insert(root, declaration);
  return {
    engine,
    match(path, isList) {
      const trimmed = path.endsWith("/") ? path.slice(0, -1) : path;
      const segments = trimmed === "" ? [] : trimmed.split("/");
      return find(root, segments, 0, isList, NONE);
    },
  };
}

function insert(root: Node, declaration: AnyPath): void {
  let node = root;
  const segments = declaration.template.split("/").filter((segment) => segment !== "");
  for (const segment of segments) {
    const rest = /^\{(\w+)\.\.\.\}$/.exec(segment)?.[1];
    const parameter = /^\{(\w+)\}$/.exec(segment)?.[1];
    if (rest) {
      if (node.rest) throw new Error(`two paths end in a rest at ${declaration.template}`);
      node.rest = { name: rest, declaration };
      return;
    }
    if (parameter) {
      node.parameter ??= { name: parameter, node: newNode() };
      if (node.parameter.name !== parameter) throw new Error(`${declaration.template} calls {${node.parameter.name}} by another name`);
      node = node.parameter.node;
    } else {
      const next = node.literals.get(segment) ?? newNode();
      node.literals.set(segment, next);
      node = next;
    }
  }
  if (node.here) throw new Error(`${declaration.template} is declared twice`);
  node.here = declaration;
}

function find(node: Node, segments: readonly string[], at: number, isList: boolean, parameters: Readonly<Record<string, string>>): PathMatch | undefined {
  if (at === segments.length) {
    if (node.here) return { declaration: node.here, parameters };
    if (node.rest && isList) return { declaration: node.rest.declaration, parameters: { ...parameters, [node.rest.name]: "" } };
    return undefined;
  }
  const segment = segments[at]!;
  const literal = node.literals.get(segment);
  const found = literal && find(literal, segments, at + 1, isList, parameters);
  if (found) return found;
  if (node.parameter && segment !== "") {
    const deeper = find(node.parameter.node, segments, at + 1, isList, { ...parameters, [node.parameter.name]: segment });
    if (deeper) return deeper;
  }
  if (!node.rest) return undefined;
  return { declaration: node.rest.declaration, parameters: { ...parameters, [node.rest.name]: segments.slice(at).join("/") } };
}
