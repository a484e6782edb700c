/** Calendar months in UTC, by their names: `2026-11`. */
export type Month = string;

const NAME_LENGTH = 7;

export const monthOf = (ms: number): Month => new Date(ms).toISOString().slice(0, NAME_LENGTH);
export const startOf = (month: Month): number => Date.parse(`${month}-01T00:00:00Z`);
/** Its last millisecond is the one before. */
export const endOf = (month: Month): number => startOf(plus(month, 1));

export function plus(month: Month, count: number): Month {
  const [year, number] = month.split("-").map(Number) as [number, number];
  return monthOf(Date.UTC(year, number - 1 + count, 1));
}

/** Both ends are within. */
export function monthsBetween(first: Month, last: Month): Month[] {
  const months: Month[] = [];
  for (let month = first; month <= last; month = plus(month, 1)) months.push(month);
  return months;
}

/** RFC 3339, in whole seconds. */
export const timestamp = (ms: number): string => new Date(ms).toISOString().replace(/\.\d{3}Z$/, "Z");
