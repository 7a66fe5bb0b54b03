import { removeProduct } from "../../lib/store.ts";

// Path parameters are also properties of the request.
export function handler(request: { id: number }): void {
  removeProduct(request.id);
}
