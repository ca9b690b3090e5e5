export { DeadlineError, type UntilOptions, until } from "./until.ts";
