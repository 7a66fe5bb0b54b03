import type { ChatConnection, ChatMessage } from "../../generated/websockets/Chat.ts";

export function on_connect(_connection: ChatConnection): ChatMessage {
  return { author: "{{name}}", text: "somebody came in" };
}

export function on_message(message: ChatMessage): ChatMessage {
  return message;
}
