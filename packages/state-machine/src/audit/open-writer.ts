import { createFileWriter } from "./file-writer.js";
import { createLineQueue } from "./line-writer.js";
import type { LineWriter } from "./line-writer.js";
import { createLoggerWriter } from "./logger-writer.js";
import type { Destination } from "./options.js";
import { createSocketWriter } from "./socket-writer.js";
import { facilityName, syslogHeader } from "./syslog.js";

const nothing = () => Promise.resolve();
const { write: toStdout } = createLineQueue((lines) => new Promise((resolve, reject) => process.stdout.write(lines, (error) => (error ? reject(error) : resolve()))));
const STDOUT: LineWriter = { write: toStdout, reopen: nothing, close: nothing };
const DISCARD: LineWriter = { write: nothing, reopen: nothing, close: nothing };

/** Throws what the operating system says when a file cannot be opened; sockets are opened by the first line. */
export function openWriter(destination: Destination): LineWriter {
  switch (destination.kind) {
    case "file":
      if (destination.file === "stdout") return STDOUT;
      return destination.file === "discard" ? DISCARD : createFileWriter(destination.file, destination.mode);
    case "socket":
      return createSocketWriter(destination.address, destination.writeTimeoutMs);
    case "syslog": {
      const stream = createSyslogStream(destination);
      return destination.address.kind === "unix" ? orDatagrams(stream, destination) : stream;
    }
  }
}

type Syslog = Extract<Destination, { readonly kind: "syslog" }>;

function createSyslogStream({ facility, tag, address, writeTimeoutMs }: Syslog): LineWriter {
  const writer = createSocketWriter(address, writeTimeoutMs);
  const header = syslogHeader({ facility, tag, isLocal: address.kind === "unix" });
  return { ...writer, write: (line) => writer.write(header(new Date()) + line) };
}

/** The socket in the file system may take datagrams only, as that of journald does: its first refusal of a stream tells. */
function orDatagrams(stream: LineWriter, { facility, tag, address, writeTimeoutMs }: Syslog): LineWriter {
  let datagrams: LineWriter | undefined;
  return {
    async write(line) {
      if (datagrams) return datagrams.write(line);
      try {
        await stream.write(line);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EPROTOTYPE") throw error;
        datagrams ??= createLoggerWriter({ path: address.path, facility: facilityName(facility), tag, timeoutMs: writeTimeoutMs });
        await datagrams.write(line);
      }
    },
    reopen: () => (datagrams ?? stream).reopen(),
    close: () => (datagrams ?? stream).close(),
  };
}
