// Answers questions about Pyodide, one JSON line each: {"kind": "cpu" | "memory" | "version", "name": ...}.
// Started by interpreters.py with the folder of the installed package and the path of workloads.py.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, workloads] = process.argv.slice(2);
const { loadPyodide, version } = await import(pathToFileURL(`${folder}/node_modules/pyodide/pyodide.mjs`));

async function interpreter() {
  const pyodide = await loadPyodide();
  const alone = pyodide._module.HEAP8.length;
  pyodide.FS.writeFile("/home/pyodide/workloads.py", readFileSync(workloads));
  return { pyodide, alone };
}

// A fresh interpreter for each: linear memory grows and never shrinks, so its size is a high-water mark.
async function memory(name) {
  const { pyodide, alone } = await interpreter();
  const module = pyodide._module;
  pyodide.runPython("import workloads");
  const before = module._malloc_max_footprint();
  pyodide.globals.set("name", name);
  pyodide.runPython("held = workloads.MEMORY[name]()");
  return { alone, used: module._malloc_max_footprint() - before, linear: module.HEAP8.length };
}

let warm;
async function cpu(name) {
  warm ??= await interpreter();
  warm.pyodide.globals.set("name", name);
  warm.pyodide.runPython("import gc, workloads; gc.collect(); work = workloads.CPU[name]");
  const start = process.cpuUsage();
  warm.pyodide.runPython("work()");
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

async function versions() {
  const { pyodide, alone } = await interpreter();
  return { pyodide: version, python: pyodide.runPython("import workloads; workloads.version()"), alone, node: process.version };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { kind, name } = JSON.parse(line);
  const answer = kind === "cpu" ? await cpu(name) : kind === "memory" ? await memory(name) : await versions();
  console.log(JSON.stringify(answer));
}
