import { hostname } from "node:os";

/** RFC 5424, section 6.2.1; names as Vault takes them. */
export const FACILITIES: Readonly<Record<string, number>> = Object.freeze({
  KERN: 0, USER: 1, MAIL: 2, DAEMON: 3, AUTH: 4, SYSLOG: 5, LPR: 6, NEWS: 7, UUCP: 8, CRON: 9, AUTHPRIV: 10, FTP: 11,
  LOCAL0: 16, LOCAL1: 17, LOCAL2: 18, LOCAL3: 19, LOCAL4: 20, LOCAL5: 21, LOCAL6: 22, LOCAL7: 23,
});

export const facilityName = (facility: number): string => Object.keys(FACILITIES).find((name) => FACILITIES[name] === facility)!.toLowerCase();

const INFO = 6;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** What stands before a message: to a local socket as in RFC 3164, without the host; over a network with host and full time. */
export function syslogHeader({ facility, tag, isLocal }: { readonly facility: number; readonly tag: string; readonly isLocal: boolean }): (time: Date) => string {
  const priority = `<${facility * 8 + INFO}>`;
  const program = `${tag}[${process.pid}]: `;
  const host = hostname();
  return (time) => (isLocal ? `${priority}${stamp(time)} ${program}` : `${priority}${time.toISOString()} ${host} ${program}`);
}

function stamp(time: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${MONTHS[time.getMonth()]} ${String(time.getDate()).padStart(2)} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}
