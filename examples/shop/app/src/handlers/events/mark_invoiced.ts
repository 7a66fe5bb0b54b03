import type { Event, State } from "../../lib/rohas.ts";
import { order } from "../../lib/store.ts";

type Invoice = { number: number; orderId: string; customer: string };

export function markInvoiced({ payload: invoice }: Event<Invoice>, state: State): void {
  order(invoice.orderId).status = "INVOICED";
  state.setPayload("MailQueued", { to: invoice.customer, subject: `Your invoice ${invoice.number}` });
}
