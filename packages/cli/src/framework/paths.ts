/** Without the slashes and spaces around it. */
export function trimPath(path: string): string {
  return path.trim().replace(/^\/+|\/+$/g, "");
}

/** A mount path as it is printed and stored: one slash at its end. */
export function mountPath(path: string): string {
  const trimmed = trimPath(path);
  return trimmed === "" ? "" : `${trimmed}/`;
}

/** Joins and cleans as Go's path.Join: empty parts and repeated slashes vanish. */
export function joinPath(...parts: readonly string[]): string {
  return parts
    .join("/")
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}
