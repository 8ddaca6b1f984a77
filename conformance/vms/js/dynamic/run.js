"use strict";
// Runs a module: the frames of its functions, and the state that is shown between two steps.
const { halt, fuel, trap, reject } = require("../bytestone");
const { Rejected } = require("./module");
const { decode, strayLine } = require("./code");
const { Variable } = require("./values");
const notation = require("./notation");

/** Thrown by an action before it has changed anything. */
class Trapped extends Error {}

/** A call of a function: `back` is where its caller goes on. A variable that was captured is a Variable. */
class Frame {
  constructor(target, closure, args, back) {
    Object.assign(this, { target, closure, back, stack: [] });
    this.locals = [...args, ...new Array(target.locals - args.length).fill(null)];
  }

  local(slot) {
    const held = this.locals[slot];
    return held instanceof Variable ? held.value : held;
  }

  setLocal(slot, value) {
    const held = this.locals[slot];
    if (held instanceof Variable) held.value = value;
    else this.locals[slot] = value;
  }
}

class Run {
  constructor(machine, module, recorder) {
    Object.assign(this, { machine, recorder, notation, frames: [], globals: new Map(), ended: false });
    this.stackLeft = []; // when no frame is left
    this.bound = 0; // the heap cannot have more live cells than this
    this.enter(module.functions[0], null, [], 0);
    this.pc = this.next;
  }

  get frame() {
    return this.frames[this.frames.length - 1];
  }

  // What a recorder looks at.

  get depth() {
    return Math.max(0, this.frames.length - 1);
  }

  get stack() {
    return this.frame ? this.frame.stack : this.stackLeft;
  }

  get cells() {
    const { frame } = this;
    const all = [];
    if (frame) {
      frame.locals.forEach((_, slot) => all.push(["local", slot, frame.local(slot)]));
      frame.closure?.captures.forEach(({ value }, index) => all.push(["upvalue", index, value]));
    }
    for (const [name, value] of this.globals) all.push(["global", name, value]);
    return all;
  }

  // What actions use.

  push(value) {
    this.frame.stack.push(value);
  }

  pop() {
    return this.frame.stack.pop();
  }

  /** Pops the top values, deepest first, for a computation, and pushes what it gives; nothing is popped if it traps. */
  replace(count, compute) {
    const { stack } = this.frame;
    const result = compute(...stack.slice(stack.length - count));
    stack.length -= count;
    if (result !== undefined) stack.push(result);
  }

  /** Makes room on the heap. What is on the stack is still there, and counts. */
  reserve(cells) {
    const limit = this.machine.heapCells;
    if (this.bound + cells > limit) this.bound = this.machine.liveCells(this);
    if (this.bound + cells > limit) throw new Trapped("out_of_memory");
    this.bound += cells;
  }

  *roots() {
    for (const { stack, locals, closure } of this.frames) {
      yield* stack;
      yield* locals;
      if (closure) yield closure;
    }
    yield* this.globals.values();
  }

  enter(target, closure, args, back) {
    this.frames.push(new Frame(target, closure, args, back));
    this.next = target.start;
  }

  leave(value) {
    const { back } = this.frames.pop();
    if (this.frames.length === 0) {
      this.stackLeft = [value];
      this.ended = true;
    } else {
      this.push(value);
      this.next = back;
    }
  }

  print(value) {
    this.recorder.print(notation.alone(value));
  }
}

function execute(machine, module, program, recorder) {
  const run = new Run(machine, module, recorder);
  for (;;) {
    if (!recorder.step(run)) return fuel(run);
    const instruction = program.get(run.pc);
    run.next = instruction.next;
    try {
      machine.actions[instruction.form.name](run, instruction);
    } catch (error) {
      if (!(error instanceof Trapped)) throw error;
      return trap(error.message, run.pc, run);
    }
    if (run.ended) return halt(run);
    run.pc = run.next;
  }
}

function runProgram(machine, request, recorder) {
  let module;
  try {
    module = machine.readModule(request.program);
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    return reject(error.phase, error.reason, error.at);
  }
  const { program, faults } = decode(machine, module);
  const [wrong] = faults;
  if (wrong) return reject("decode", wrong.reason, wrong.at);
  const stray = strayLine(module, program);
  if (stray !== undefined) return reject("decode", "bad_module", stray);
  const [first] = machine.verify(module, program);
  if (first) return reject("verify", first.reason, first.at);
  return execute(machine, module, program, recorder);
}

module.exports = { runProgram, Trapped };
