import { readFileSync } from "node:fs";

const manifest = new URL(import.meta.resolve("#package.json"));

/** The version of the package that runs, from its package.json. */
export const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { readonly version: string };
