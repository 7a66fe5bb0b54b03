import type { State } from "../../generated/runtime.ts";
import * as store from "../../lib/store.ts";

export function handler(_tick: unknown, state: State): void {
  state.logger.info("the journal", { lines: store.lines().length });
}
