import type { Request } from "../../lib/rohas.ts";
import { allProducts, type Product } from "../../lib/store.ts";

type Query = { tag?: string; inStock: boolean; limit: number };

export function handler({ query }: Request<null, Query>): Product[] {
  return allProducts()
    .filter((product) => !query.tag || product.tags.includes(query.tag))
    .filter((product) => !query.inStock || product.stock > 0)
    .slice(0, query.limit);
}
