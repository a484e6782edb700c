const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const padded = (value: number, length = 2) => String(value).padStart(length, "0");
const twelve = (hour: number) => hour % 12 || 12;

/** The parts of a layout of Go's time package (https://pkg.go.dev/time#pkg-constants), longest first. */
const PARTS = ["January", "Monday", "-07:00", "Z07:00", "-0700", "Z0700", "2006", "Jan", "Mon", "MST", "-07", "01", "02", "03", "04", "05", "06", "15", "_2", "PM", "pm", "1", "2", "3", "4", "5"] as const;
const PATTERN = new RegExp(String.raw`[.,](?:0+|9+)(?!\d)|${PARTS.join("|")}`, "g");

/** A time in UTC as a layout of Go's says it: the layout is what that way of writing makes of 2006-01-02 15:04:05. */
export function formatGoTime(layout: string, ms: number): string {
  const date = new Date(ms);
  const month = MONTHS[date.getUTCMonth()]!;
  const day = DAYS[date.getUTCDay()]!;
  const hour = date.getUTCHours();
  const values: Readonly<Record<(typeof PARTS)[number], string>> = {
    2006: padded(date.getUTCFullYear(), 4),
    "06": padded(date.getUTCFullYear() % 100),
    January: month,
    Jan: month.slice(0, 3),
    "01": padded(date.getUTCMonth() + 1),
    1: String(date.getUTCMonth() + 1),
    Monday: day,
    Mon: day.slice(0, 3),
    "02": padded(date.getUTCDate()),
    _2: String(date.getUTCDate()).padStart(2, " "),
    2: String(date.getUTCDate()),
    15: padded(hour),
    "03": padded(twelve(hour)),
    3: String(twelve(hour)),
    "04": padded(date.getUTCMinutes()),
    4: String(date.getUTCMinutes()),
    "05": padded(date.getUTCSeconds()),
    5: String(date.getUTCSeconds()),
    PM: hour < 12 ? "AM" : "PM",
    pm: hour < 12 ? "am" : "pm",
    MST: "UTC",
    "Z07:00": "Z",
    Z0700: "Z",
    "-07:00": "+00:00",
    "-0700": "+0000",
    "-07": "+00",
  };
  return layout.replace(PATTERN, (part) => (part in values ? values[part as keyof typeof values] : fraction(part, date.getUTCMilliseconds())));
}

/** `.000` keeps its digits, `.999` drops zeros at the end. */
function fraction(part: string, milliseconds: number): string {
  const digits = padded(milliseconds, 3).padEnd(part.length - 1, "0").slice(0, part.length - 1);
  const kept = part[1] === "9" ? digits.replace(/0+$/, "") : digits;
  return kept === "" ? "" : part[0]! + kept;
}
