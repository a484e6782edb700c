import type { Check } from "./finding.js";

/** Each client and each file of the databases is one. */
const FEW_FILES = 1024;

interface UserLimits {
  readonly open_files?: { readonly soft: number | string };
}

export async function checkOperatingSystem(check: Check): Promise<void> {
  await check.look("Check Open File Limits", ({ warn, skip }) => {
    const { userLimits } = (process.report?.getReport() ?? {}) as { readonly userLimits?: UserLimits };
    const soft = userLimits?.open_files?.soft;
    if (soft === undefined) return skip("This system does not tell its limits.");
    if (soft === "unlimited") return "Open files are not limited.";
    const text = `Open file limits are set to ${soft}.`;
    if (Number(soft) <= FEW_FILES) return warn(text, "Set LimitNOFILE=65536 in the unit of the service, or ulimit -n.");
    return text;
  });
  await check.look("Check Process User", ({ warn }) => {
    if (process.getuid?.() === 0) warn("This command runs as root.", "Run it as the user of the service: what that user may not read looks well from here.");
  });
}
