import type { CreateTaskHandler } from "../../generated/api/CreateTask.ts";
import * as store from "../../lib/store.ts";

// The body has been checked against the schema. What is returned is the answer, and the payload of TaskCreated.
export const handler: CreateTaskHandler = (request) => store.add(request.body.title);
