/** One page of a list that a device sends in pages (SPEC §6.1). */
export interface Page<Item, Whole> {
  /** Items of the whole list. */
  readonly total: number;
  readonly items: readonly Item[];
  /** The other results on the page. */
  readonly page: Whole;
}

/**
 * Reads a list page by page, until it has the total that the last page named, or until a page is empty.
 * @param max stops at this number of items
 */
export async function readPages<Item, Whole>(
  ask: (from: number) => Promise<Page<Item, Whole>>,
  max = Number.POSITIVE_INFINITY,
): Promise<{ readonly items: readonly Item[]; readonly last: Whole }> {
  const items: Item[] = [];
  for (;;) {
    const { total, items: more, page } = await ask(items.length);
    items.push(...more);
    // Each round has brought an item, and an index is at most 65,535: this ends.
    if (more.length === 0 || items.length >= Math.min(total, max)) return { items, last: page };
  }
}
