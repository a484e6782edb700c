import { spawn } from "node:child_process";

/** What opens a URL, by platform: program and arguments before the URL. */
const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ["/usr/bin/open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

/** Opens a URL in the user's browser. Rejects where there is nothing to open it with; does not wait for the browser. */
export function openBrowser(url: string): Promise<void> {
  const [program, ...before] = OPENERS[process.platform] ?? ["xdg-open"];
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...before, url], { stdio: "ignore", detached: true });
    child.once("error", reject);
    child.once("spawn", () => {
      child.unref();
      resolve();
    });
  });
}
