import type { TaskCreatedHandler } from "../../generated/events/TaskCreated.ts";
import * as store from "../../lib/store.ts";

export const handler: TaskCreatedHandler = (event, state) => {
  const { id, title } = event.payload;
  store.write(`task ${id}: ${title}`);
  state.logger.info("written down", { id });
};
