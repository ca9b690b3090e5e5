export { LogRing } from "./log-ring.ts";
export { Session } from "./session.ts";
