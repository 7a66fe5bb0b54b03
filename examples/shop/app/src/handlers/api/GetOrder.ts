import type { Request } from "../../lib/rohas.ts";
import { order, type Order } from "../../lib/store.ts";

export const handler = ({ params }: Request<null, {}, { id: string }>): Order => order(params.id);
