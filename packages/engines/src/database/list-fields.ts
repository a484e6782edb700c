import { field } from "@coffer/state-machine";

/** Of all lists. */
export const listFields = {
  after: field.string({ description: "Lists names that sort after this one; it need not exist.", query: true, default: "" }),
  limit: field.int({ description: "How many names to list; 0 means all.", query: true, default: 0 }),
};
