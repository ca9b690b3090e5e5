import { content } from "../message/codec.ts";
import { Code } from "../message/codes.ts";
import { Option, optionTexts, uintOption } from "../message/options.ts";
import { ContentFormat } from "./formats.ts";
import type { Resource } from "./resource.ts";

/** `/.well-known/core`: the resources in link format (RFC 6690), filtered by `href` or `rt` if the query names one. */
export function coreResource(resources: readonly Resource[]): Resource {
  return {
    path: ".well-known/core",
    attributes: `;ct=${ContentFormat.linkFormat}`,
    isBlockwise: true,
    methods: {
      [Code.get]: ({ options }) => {
        const filters = optionTexts(options, Option.uriQuery);
        const links = resources
          .filter((resource) => filters.every((filter) => matches(resource, filter)))
          .map(({ path, attributes }) => `</${path}>${attributes}`);
        return content(Code.content, Buffer.from(links.join(",")), [
          uintOption(Option.contentFormat, ContentFormat.linkFormat),
        ]);
      },
    },
  };
}

/** A filter is `<name>=<value>`, and a value that ends with `*` is a prefix (RFC 6690 §4.1). Other filters match nothing. */
function matches({ path, attributes }: Resource, filter: string): boolean {
  const [, name = "", wanted = ""] = /^([a-z]+)=(.*)$/.exec(filter) ?? [];
  const value = name === "href" ? `/${path}` : new RegExp(`;${name}="?([^";]*)`).exec(attributes)?.[1];
  if (value === undefined || name === "") return false;
  return wanted.endsWith("*") ? value.startsWith(wanted.slice(0, -1)) : value.split(" ").includes(wanted);
}
