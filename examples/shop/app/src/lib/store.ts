// The shop's "database": lives as long as the isolate, which is why the configuration has `workers = 1`.

import slugify from "slugify";

import { Conflict, NotFound } from "./errors.ts";

export interface Product {
  id: number;
  slug: string;
  name: string;
  price: number;
  stock: number;
  tags: string[];
}

export interface OrderItem {
  productId: number;
  quantity: number;
}

export interface Order {
  id: string;
  customer: string;
  items: OrderItem[];
  total: number;
  status: "PLACED" | "INVOICED";
  createdAt: Date;
}

const products = new Map<number, Product>();
const orders = new Map<string, Order>();
let lastId = 0;

export type NewProduct = { name: string; price: number; stock: number; tags?: string[] | null };

export function addProduct({ name, price, stock, tags }: NewProduct): Product {
  const slug = slugify(name, { lower: true, strict: true });
  for (const product of products.values()) {
    if (product.slug === slug) throw new Conflict(`there is a product "${slug}" already`);
  }
  const product = { id: ++lastId, slug, name, price, stock, tags: tags ?? [] };
  products.set(product.id, product);
  return product;
}

export function product(id: number): Product {
  const found = products.get(id);
  if (found === undefined) throw new NotFound(`there is no product ${id}`);
  return found;
}

export function allProducts(): Product[] {
  return [...products.values()];
}

export function removeProduct(id: number): void {
  products.delete(product(id).id);
}

/** Takes the items from stock: all of them or none. Returns the price. */
export function reserve(items: OrderItem[]): number {
  const wanted = new Map<number, number>();
  for (const { productId, quantity } of items) {
    wanted.set(productId, (wanted.get(productId) ?? 0) + quantity);
  }
  for (const [id, quantity] of wanted) {
    const { name, stock } = product(id);
    if (stock < quantity) throw new Conflict(`only ${stock} of "${name}" left`);
  }
  let total = 0;
  for (const [id, quantity] of wanted) {
    product(id).stock -= quantity;
    total += product(id).price * quantity;
  }
  return total;
}

export function addOrder(order: Order): void {
  orders.set(order.id, order);
}

export function order(id: string): Order {
  const found = orders.get(id);
  if (found === undefined) throw new NotFound(`there is no order ${id}`);
  return found;
}

export function allOrders(): Order[] {
  return [...orders.values()];
}

addProduct({ name: "Tea Pot", price: 2490, stock: 12, tags: ["kitchen"] });
addProduct({ name: "Crème Brûlée Torch", price: 3995, stock: 3, tags: ["kitchen", "fire"] });
addProduct({ name: "Desk Lamp", price: 4900, stock: 0, tags: ["office"] });
