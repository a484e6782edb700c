import { rootRotation } from "../amazon/root-rotation.js";
import { getClient, ownIamAccess, putClient } from "./storage.js";

export const { rotateRoot, rotateRootWhenDue } = rootRotation({ path: "config/client", get: getClient, put: putClient, access: ownIamAccess });
