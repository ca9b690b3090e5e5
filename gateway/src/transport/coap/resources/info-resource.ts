import { Code } from "../message/codes.ts";
import { formatsAttribute, type Representable, represent } from "./formats.ts";
import type { Resource } from "./resource.ts";

/** `/info`: what the gateway is, for people with a CoAP client. Nothing in it names a device. */
export function infoResource(read: () => Representable): Resource {
  return {
    path: "info",
    attributes: `;rt="motelet.info"${formatsAttribute}`,
    isBlockwise: true,
    methods: { [Code.get]: (request) => represent(request, read(), 60) },
  };
}
