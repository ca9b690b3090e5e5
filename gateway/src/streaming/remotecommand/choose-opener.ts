import type { IncomingMessage } from "node:http";
import { noKnownUpgrade, wantsUpgrade } from "../upgrade.ts";
import type { RemoteOpener } from "./opener.ts";
import { chooseSpdy } from "./spdy.ts";
import { chooseWebSocket } from "./websocket.ts";

/**
 * Finds the protocol for a request of exec or attach.
 * @throws RequestError, AccessError if it cannot be upgraded
 */
export function chooseOpener(request: IncomingMessage): RemoteOpener {
  if (wantsUpgrade(request, "websocket")) return chooseWebSocket(request);
  if (wantsUpgrade(request, "spdy/3.1")) return chooseSpdy(request);
  throw noKnownUpgrade();
}
