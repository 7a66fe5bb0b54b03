import type { ListTasksHandler } from "../../generated/api/ListTasks.ts";
import * as store from "../../lib/store.ts";

export const handler: ListTasksHandler = ({ query }) => store.newest(query.limit, query.done);
