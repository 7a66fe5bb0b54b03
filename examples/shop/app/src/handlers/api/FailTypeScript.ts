export function handler(): string {
  throw new Error("the database password is hunter2");
}
