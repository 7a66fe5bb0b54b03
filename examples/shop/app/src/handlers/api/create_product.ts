import type { Request, State } from "../../lib/rohas.ts";
import { addProduct, type NewProduct, type Product } from "../../lib/store.ts";

// The returned product is also the payload of ProductCreated.
export default async function createProduct(request: Request<NewProduct>, state: State): Promise<Product> {
  const product = addProduct(request.body);
  state.logger.info("product created", { id: product.id, slug: product.slug });
  return product;
}
