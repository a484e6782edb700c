import { field } from "./fields.js";

/** Fields of a list that may be asked for in pages. They are `ListOptions`: a handler hands its input to `storage.list` as it is. */
export function pageFields(listed = "names") {
  return {
    after: field.string({ description: `Lists ${listed} that sort after this one; it need not exist.`, query: true, default: "" }),
    limit: field.int({ description: `How many ${listed} to list; 0 means all.`, query: true, default: 0 }),
  };
}
