// Starts the app on a free port and asks it over HTTP: `npm test`.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";

let app, address;

before(async () => {
  app = spawn(process.env.ROHAS ?? "rohas", ["run", "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await Promise.race([
    once(createInterface(app.stdout), "line"),
    once(app, "exit").then(() => assert.fail("the app did not start")),
  ]);
  address = line.replace("listening on ", "");
});

after(() => app.kill());

async function call(path, body) {
  const init = body && {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
  const response = await fetch(address + path, init);
  return { status: response.status, body: await response.json() };
}

test("a task that was created is found", async () => {
  const created = await call("/tasks", { title: "Buy milk" });
  assert.equal(created.status, 201);
  const found = await call(`/tasks/${created.body.id}`);
  assert.deepEqual(found, { status: 200, body: created.body });
});

test("what does not fit the schema never reaches a handler", async () => {
  const { status, body } = await call("/tasks", { title: "" });
  assert.equal(status, 422);
  assert.equal(body.errors[0].path, "/body/title");
});

test("a declared error has its own status and body", async () => {
  assert.deepEqual(await call("/tasks/99"), { status: 404, body: { message: "there is no task 99" } });
});

test("the event reaches its handler", async () => {
  await call("/tasks", { title: "Read the journal" });
  for (;;) {
    const { body } = await call("/journal");
    if (body.some((line) => line.endsWith("Read the journal"))) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});
