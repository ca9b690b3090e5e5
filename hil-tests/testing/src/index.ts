export { bitFlips, LineGateway, type LineNoise } from "./line-gateway.ts";
export { type ExecOutcome, type GatewayOptions, SimulatedGateway } from "./simulated-gateway.ts";
export { SimulatedStream } from "./simulated-stream.ts";
export { DeadlineError, type UntilOptions, until } from "./until.ts";
