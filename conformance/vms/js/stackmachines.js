"use strict";
// The stack machine and the loop machine, written by hand from the manual.
const { halt, fuel, trap, reject, BadRequest } = require("./bytestone");
const { verify } = require("./verifier");

/** Thrown by an action before it has changed anything. */
class Trapped extends Error {}

/** The state of a run. An action changes it; `next` is where execution goes on. */
class Run {
  constructor(machine, input, recorder) {
    Object.assign(this, { machine, recorder, pc: 0, next: 0, stack: [], calls: [], halted: false });
    this.local = new Array(machine.locals).fill(0);
    this.cells = { local: this.local };
    for (const [bank, index, value] of input) {
      if (bank !== "local" || index >= machine.locals) throw new BadRequest(`no cell ${bank}:${index}`);
      this.local[index] = value | 0;
    }
  }

  get depth() {
    return this.calls.length;
  }

  push(value) {
    if (this.stack.length >= this.machine.stackLimit) throw new Trapped("stack_overflow");
    this.stack.push(value);
  }

  /** Replaces the two top values by one; `a` is the one below the top. */
  combine(compute) {
    const b = this.stack.pop();
    const a = this.stack.pop();
    this.stack.push(compute(a, b) | 0);
  }
}

const ACTIONS = {
  nop() {},
  halt(run) {
    run.halted = true;
  },
  push: (run, value) => run.push(value),
  pop: (run) => run.stack.pop(),
  add: (run) => run.combine((a, b) => a + b),
  sub: (run) => run.combine((a, b) => a - b),
  mul: (run) => run.combine(Math.imul),
  lt: (run) => run.combine((a, b) => a < b),
  div(run) {
    if (run.stack[run.stack.length - 1] === 0) throw new Trapped("div_by_zero");
    run.combine((a, b) => a / b);
  },
  neg: (run) => run.stack.push(-run.stack.pop() | 0),
  load: (run, slot) => run.push(run.local[slot]),
  store(run, slot) {
    run.local[slot] = run.stack.pop();
  },
  jump(run, target) {
    run.next = target;
  },
  jumpIfZero(run, target) {
    if (run.stack.pop() === 0) run.next = target;
  },
  call(run, target) {
    if (run.calls.length >= run.machine.callLimit) throw new Trapped("call_depth");
    run.calls.push(run.next);
    run.next = target;
  },
  ret(run) {
    run.next = run.calls.pop();
  },
  print: (run) => run.recorder.print(run.stack.pop()),
  printFirstLocal: (run) => run.recorder.print(run.local[0]),
};

const SIZES = { "": 0, u8: 1, slot: 1, absolute8: 1, relative16: 2, i32: 4, absolute32: 4 };

/** A row of the manual's table of instructions. */
const form = (action, operand = "", takes = 0, leaves = 0, role = "") => ({ action, operand, takes, leaves, role });

// The forms are in the order of their opcodes.
const MACHINES = {
  stack: {
    locals: 256,
    stackLimit: 256,
    callLimit: 64,
    forms: [
      form("nop"),
      form("push", "i32", 0, 1),
      form("pop", "", 1, 0),
      form("add", "", 2, 1),
      form("sub", "", 2, 1),
      form("mul", "", 2, 1),
      form("div", "", 2, 1),
      form("neg", "", 1, 1),
      form("load", "slot", 0, 1),
      form("store", "slot", 1, 0),
      form("jump", "relative16", 0, 0, "jump"),
      form("jumpIfZero", "relative16", 1, 0, "branch"),
      form("call", "absolute32", 0, 0, "call"),
      form("ret", "", 0, 0, "return"),
      form("print", "", 1, 0),
      form("halt", "", 0, 0, "halt"),
    ],
  },
  loop: {
    locals: 16,
    stackLimit: 64,
    callLimit: 0,
    forms: [
      form("push", "u8", 0, 1),
      form("load", "slot", 0, 1),
      form("store", "slot", 1, 0),
      form("lt", "", 2, 1),
      form("jumpIfZero", "absolute8", 1, 0, "branch"),
      form("jump", "absolute8", 0, 0, "jump"),
      form("add", "", 2, 1),
      form("printFirstLocal"),
      form("halt", "", 0, 0, "halt"),
    ],
  },
};

/** The instructions by offset, and the first fault if there is one. */
function decode(machine, code) {
  const program = new Map();
  for (let at = 0, next; at < code.length; at = next) {
    const found = machine.forms[code[at]];
    if (!found) return { program, fault: { at, reason: "unknown_opcode" } };
    next = at + 1 + SIZES[found.operand];
    if (next > code.length) return { program, fault: { at, reason: "truncated" } };
    program.set(at, { form: found, at, next, ...operandOf(found.operand, code, at + 1, next) });
  }
  return { program };
}

/** The operand of an instruction; `index` if it names a cell, `target` if it leads somewhere. */
function operandOf(kind, code, at, next) {
  switch (kind) {
    case "":
      return {};
    case "u8":
      return { operand: code[at] };
    case "slot":
      return { operand: code[at], index: code[at] };
    case "i32":
      return { operand: code.readInt32LE(at) };
    default: {
      const read = {
        absolute8: () => code[at],
        relative16: () => next + code.readInt16LE(at),
        absolute32: () => code.readUInt32LE(at),
      };
      const target = read[kind]();
      return { operand: target, target };
    }
  }
}

function execute(program, run) {
  for (;;) {
    if (!run.recorder.step(run)) return fuel(run);
    const instruction = program.get(run.pc);
    run.next = instruction.next;
    try {
      ACTIONS[instruction.form.action](run, instruction.operand);
    } catch (error) {
      if (!(error instanceof Trapped)) throw error;
      return trap(error.message, run.pc, run);
    }
    if (run.halted) return halt(run);
    run.pc = run.next;
  }
}

function run(machine, request, recorder) {
  const { program, fault } = decode(machine, request.program);
  if (fault) return reject("decode", fault.reason, fault.at);
  const [first] = verify(machine, program);
  if (first) return reject("verify", first.reason, first.at);
  return execute(program, new Run(machine, request.input, recorder));
}

for (const machine of Object.values(MACHINES)) machine.run = (...request) => run(machine, ...request);

module.exports = MACHINES;
