export * from "./bindings.ts";
