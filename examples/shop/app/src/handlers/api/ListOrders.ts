import { allOrders, type Order } from "../../lib/store.ts";

export const handler = (): Order[] => allOrders();
