/** Finds or builds the binaries of the test control plane, with progress on stderr: what `make control-plane` does. */
import { findAssets } from "./assets.ts";

await findAssets();
