import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { Failure } from "./failure.js";
import { readAll, type Io } from "./io.js";

/**
 * Asks for a secret, on stderr so that stdout stays for data. On a terminal what is typed is not shown; a pipe is read to its first newline.
 * Nothing is asked where the user said -non-interactive.
 */
export async function askHidden(io: Io, question: string, nonInteractive: boolean): Promise<string> {
  if (nonInteractive) throw new Failure(`Refusing to ask for input with -non-interactive specified: ${question}`);
  io.stderr.write(question);
  if (io.stdin.isTTY !== true) {
    const answer = (await readAll(io.stdin)).split("\n")[0] ?? "";
    io.stderr.write("\n");
    return answer.trim();
  }
  // readline echoes to its output: give it one that swallows.
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: io.stdin, output: silent, terminal: true });
  const interrupted = new Promise<never>((_resolve, reject) => reader.once("SIGINT", () => reject(new Failure("interrupted"))));
  try {
    return (await Promise.race([reader.question(""), interrupted])).trim();
  } finally {
    reader.close();
    io.stderr.write("\n");
  }
}
