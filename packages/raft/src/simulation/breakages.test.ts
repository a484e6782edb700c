import test from "node:test";
import { AROUND_THE_CORE } from "./breakages.js";
import { assertNoticed } from "./notice.js";

for (const name of Object.keys(AROUND_THE_CORE)) test(`the simulator notices ${name}`, (t) => assertNoticed(t, name));
