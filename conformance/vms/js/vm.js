#!/usr/bin/env node
"use strict";
// The stack, loop, script and constant pool machines, written by hand from their manuals, as a Bytestone engine.
//
//     node vm.js                 answers requests on standard input
//     node vm.js --bug NAME      the same with a planted bug
//     node vm.js --list-bugs     name, machine, faulty instructions, and a sentence for each bug
//
// Node 18 or newer, standard library only.
const { serve } = require("./bytestone");
const stackMachines = require("./stackmachines");
const dynamic = require("./dynamic/script");
const bugs = require("./dynamic/bugs");

/** The engine, with one bug planted or none. */
function engine(bug) {
  const machines = { ...stackMachines, ...dynamic.build() };
  bug?.plant(machines[bug.machine]);
  const names = Object.keys(machines).map((name) => `${name}@1`);
  const run = (request, recorder) => machines[request.machine].run(request, recorder);
  const observes = "pc,depth,stack,cells,output,heap";
  return { name: "bytestone-js", version: "1.0.0", machines: names.join(","), observes, run };
}

function main([option, name]) {
  if (option === "--list-bugs") {
    for (const { name, machine, instructions, about } of bugs.values()) {
      console.log([name, machine, instructions, about].join("\t"));
    }
  } else if (option === undefined || (option === "--bug" && bugs.has(name))) {
    serve(engine(bugs.get(name)));
  } else {
    console.error("usage: vm.js [--bug NAME | --list-bugs]");
    process.exitCode = 2;
  }
}

main(process.argv.slice(2));
