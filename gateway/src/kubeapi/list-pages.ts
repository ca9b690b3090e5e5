import type { KubeClient, KubeRequestOptions } from "./kube-client.ts";
import type { KubeList } from "./objects.ts";

/** Lists a collection page by page; a watch begins at the `resourceVersion` of the last page. */
export async function* listPages<T>(
  kube: Pick<KubeClient, "get">,
  path: string,
  options: KubeRequestOptions = {},
): AsyncGenerator<KubeList<T>, void, undefined> {
  let page: KubeList<T> | undefined;
  do {
    const query = { limit: 500, ...options.query, continue: page?.metadata.continue || undefined };
    page = await kube.get<KubeList<T>>(path, { ...options, query });
    yield page;
  } while (page.metadata.continue);
}
