// Run with: node engine.js (Node 18 or newer; bytestone.js lies beside this file)
"use strict";
const { serve, unsupported } = require("./bytestone"); // and halt, fuel, trap, reject

/** Runs request.program, which is a Buffer, on the machine request.machine. */
function run(request, recorder) {
  // 1. Decode and verify: return reject("decode", "unknown_opcode", at) for the first fault,
  //    or take "decode" and "verify" out of phases below.
  // 2. Make the state { pc, depth, stack, cells } with cells = { bank: [values] };
  //    request.input is an array of [bank, index, value].
  // 3. Before each step: if (!recorder.step(state)) return fuel(state);
  // 4. For what the program prints: recorder.print(value);
  // 5. At the end: return halt(state), or trap("div_by_zero", at, state).
  return unsupported("not written yet");
}

serve({
  name: "@NAME@",
  version: "0.1.0",
  machines: "@MACHINE@",
  run,
  // phases: "run", observes: "output", traces: "" if the VM does or shows less than everything
});
