// The data of the example: in memory, gone when the app ends. A real app asks its database here.
import type { Task } from "../generated/models/Task.ts";

const tasks: Task[] = [];
const journal: string[] = [];

export function add(title: string): Task {
  const task = { id: tasks.length + 1, title, done: false, created: new Date().toISOString() };
  tasks.push(task);
  return task;
}

export function find(id: number): Task | undefined {
  return tasks.find((task) => task.id === id);
}

export function newest(limit: number, done?: boolean | null): Task[] {
  const wanted = tasks.filter((task) => done == null || task.done === done);
  return wanted.reverse().slice(0, limit);
}

export function write(line: string): void {
  journal.push(line);
}

export function lines(): string[] {
  return journal;
}
