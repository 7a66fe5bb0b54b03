export function handler(): string {
  while (true) {
    // never comes back: at the time limit the isolate is replaced
  }
}
