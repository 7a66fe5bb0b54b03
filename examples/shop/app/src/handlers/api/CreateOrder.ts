import { randomUUID } from "node:crypto";

import type { Request, State } from "../../lib/rohas.ts";
import { addOrder, product, reserve, type Order, type OrderItem } from "../../lib/store.ts";

const LOW = 3;

export function handleCreateOrder(request: Request<{ customer: string; items: OrderItem[] }>, state: State): Order {
  const { customer, items } = request.body;
  const total = reserve(items);
  const order: Order = { id: randomUUID(), customer, items, total, status: "PLACED", createdAt: new Date() };
  addOrder(order);
  for (const { productId } of items) {
    const left = product(productId).stock;
    if (left < LOW) state.triggerEvent("StockLow", { productId, left });
  }
  return order;
}
