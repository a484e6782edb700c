import { rootRotation } from "../amazon/root-rotation.js";
import { getRoot, iamAccess, putRoot } from "./storage.js";

export const { rotateRoot, rotateRootWhenDue } = rootRotation({ path: "config/root", get: getRoot, put: putRoot, access: iamAccess });
