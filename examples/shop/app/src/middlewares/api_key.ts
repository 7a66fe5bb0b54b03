import type { Request } from "../lib/rohas.ts";

const KEY = process.env.SHOP_API_KEY ?? "demo-key";

/** Lets requests with the right key pass: returning nothing means "go on". */
export function apiKeyMiddleware(request: Request): Response | undefined {
  if (request.headers["x-api-key"] === KEY) return undefined;
  return Response.json({ message: "an x-api-key header is needed" }, { status: 401 });
}
