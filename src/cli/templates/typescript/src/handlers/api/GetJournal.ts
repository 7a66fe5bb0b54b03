import type { GetJournalHandler } from "../../generated/api/GetJournal.ts";
import * as store from "../../lib/store.ts";

export const handler: GetJournalHandler = () => store.lines();
