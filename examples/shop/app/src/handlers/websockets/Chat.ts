import type { Connection, State } from "../../lib/rohas.ts";

type ChatMessage = { author: string; text: string };

export function on_connect({ params }: Connection) {
  return { room: params.room, author: "shop", text: "somebody came in" };
}

// The returned message goes to every session, and to MessagePosted.
export function on_message(message: ChatMessage, { params }: Connection) {
  return { room: params.room, ...message };
}

export function on_disconnect({ params }: Connection, state: State): void {
  state.triggerEvent("MessagePosted", { room: params.room, author: "shop", text: "somebody left" });
}
