/** The outside of a command: streams, environment, home. Tests hand in their own. */
export type Io = {
  readonly stdout: { write(text: string | Uint8Array): unknown; readonly isTTY?: boolean };
  readonly stderr: { write(text: string | Uint8Array): unknown; readonly isTTY?: boolean };
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** Exit code of a program whose reader went away, as the shell counts SIGPIPE. */
const EXIT_SIGPIPE = 141;

export const processIo: Io = {
  stdout: process.stdout,
  stderr: process.stderr,
  // Touching process.stdin makes a pipe non-blocking for everybody who shares it: only where a command reads it.
  get stdin() {
    return process.stdin;
  },
  env: process.env,
};

/** `coffer list … | head -1` closes the pipe early; that is no error worth a stack trace. */
export function quitOnClosedPipe(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT_SIGPIPE);
    throw error;
  });
}

export async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array | string));
  return Buffer.concat(chunks).toString("utf8");
}
