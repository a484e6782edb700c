import { create, toBuffer } from "qrcode";
import { invalid } from "@coffer/state-machine";

/** Modules of white around the symbol, which its standard demands (ISO/IEC 18004, 9.1). */
const MARGIN = 4;

/** A square PNG, in base64. `pixels`: of one side. Rejects with RequestError 400 where the text does not fit. */
export async function qrCode(text: string, pixels: number): Promise<string> {
  let modules: number;
  try {
    modules = create(text, {}).modules.size + 2 * MARGIN;
  } catch {
    throw invalid("the key, issuer and account name are too long for a QR code");
  }
  if (pixels < modules) throw invalid(`the qr_size value must be 0, or at least ${modules} for this key`);
  return (await toBuffer(text, { type: "png", width: pixels, margin: MARGIN })).toString("base64");
}
