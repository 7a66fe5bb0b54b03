import { type GetTaskHandler, NotFound } from "../../generated/api/GetTask.ts";
import * as store from "../../lib/store.ts";

export const handler: GetTaskHandler = ({ id }) => {
  const task = store.find(id);
  if (!task) throw new NotFound({ message: `there is no task ${id}` });
  return task;
};
