import type { Request } from "../../lib/rohas.ts";
import { product, type Product } from "../../lib/store.ts";

export function handler(request: Request<null, {}, { id: number }>): Product {
  return product(request.params.id);
}
