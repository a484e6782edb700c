import { data, definePath, field, jsonCodec, NO_CONTENT } from "@coffer/state-machine";
import type { Engine } from "@coffer/state-machine";

const codec = jsonCodec<{ readonly text: string }>();
const notes = definePath({
  template: "notes/{name}",
  help: { synopsis: "Reads and writes a note.", description: "A note is one line of text under a name." },
  fields: { name: field.string({ description: "Name of the note.", required: true }), text: field.string({ description: "The note.", default: "" }) },
  operations: {
    read: { effect: "read", summary: "Read a note.", handler: ({ input }, storage) => storage.get(input.name, codec) && data(storage.get(input.name, codec)!) },
    update: { effect: "write", summary: "Write a note.", handler: ({ input }, storage) => (storage.put(input.name, codec, { text: input.text }), NO_CONTENT) },
  },
});
export const example: Engine = { type: "example", table: "secret", help: "Keeps notes.", paths: [notes] };
