import { createFileWriter } from "./file-writer.js";
import type { LineWriter } from "./file-writer.js";
import type { Destination } from "./options.js";
import { createSocketWriter } from "./socket-writer.js";
import { syslogHeader } from "./syslog.js";

const nothing = () => Promise.resolve();
const STDOUT: LineWriter = { write: (line) => new Promise((resolve, reject) => process.stdout.write(line, (error) => (error ? reject(error) : resolve()))), reopen: nothing, close: nothing };
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
      const { facility, tag, address, writeTimeoutMs } = destination;
      const writer = createSocketWriter(address, writeTimeoutMs);
      return { ...writer, write: (line) => writer.write(syslogHeader({ facility, tag, isLocal: address.kind === "unix" }, new Date()) + line) };
    }
  }
}
