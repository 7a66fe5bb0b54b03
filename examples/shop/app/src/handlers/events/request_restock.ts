import type { Event, State } from "../../lib/rohas.ts";
import { product } from "../../lib/store.ts";

export default function (event: Event<{ productId: number; left: number }>, state: State): void {
  const { name } = product(event.payload.productId);
  state.triggerEvent("MailQueued", { to: "purchasing@shop.example", subject: `Restock ${name}` });
}
