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

/** A parameter on the way to a match, and those before it. */
interface Captured {
  readonly name: string;
  readonly value: string;
  readonly before: Captured | undefined;
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
      return find(root, trimmed, trimmed === "" ? 1 : 0, isList, undefined);
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

/** Segments begin at `at`, up to `path.length + 1`, which is where the segment behind the last one would. */
function find(node: Node, path: string, at: number, isList: boolean, captured: Captured | undefined): PathMatch | undefined {
  if (at > path.length) {
    if (node.here) return { declaration: node.here, parameters: parametersOf(captured) };
    if (node.rest && isList) return { declaration: node.rest.declaration, parameters: parametersOf({ name: node.rest.name, value: "", before: captured }) };
    return undefined;
  }
  const slash = path.indexOf("/", at);
  const end = slash < 0 ? path.length : slash;
  const segment = path.slice(at, end);
  const literal = node.literals.get(segment);
  const found = literal && find(literal, path, end + 1, isList, captured);
  if (found) return found;
  if (node.parameter && segment !== "") {
    const deeper = find(node.parameter.node, path, end + 1, isList, { name: node.parameter.name, value: segment, before: captured });
    if (deeper) return deeper;
  }
  if (!node.rest) return undefined;
  return { declaration: node.rest.declaration, parameters: parametersOf({ name: node.rest.name, value: path.slice(at), before: captured }) };
}

function parametersOf(captured: Captured | undefined): Readonly<Record<string, string>> {
  if (!captured) return NONE;
  const parameters: Record<string, string> = {};
  for (let one: Captured | undefined = captured; one; one = one.before) parameters[one.name] = one.value;
  return parameters;
}
