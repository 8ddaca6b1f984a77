"use strict";
// Planted bugs, one at a time, each a change to a clean machine: they show what Bytestone finds.
const { Rejected } = require("./module");
const { liveCells } = require("./heap");
const { Text, List, Table, Closure, Variable } = require("./values");
const { Trapped } = require("./run");

const BUGS = new Map();

/** Registers a bug. `instructions` are those that it is in, "-" when it is not in instructions. */
function bug(name, instructions, about, plant) {
  BUGS.set(name, { name, machine: name.split("-")[0], instructions, about, plant });
}

/** An action instead of the clean one, which it gets. */
function action(name, instructions, about, change) {
  bug(name, instructions, about, ({ actions }) => {
    for (const each of instructions.split(",")) actions[each] = change(actions[each], each);
  });
}

/** A two-valued action; `compute` gives undefined where the clean one is right. */
const instead = (count, compute) => (clean) => (run, instruction) => {
  const { stack } = run.frame;
  const result = compute(stack.slice(stack.length - count), run);
  if (result === undefined) return clean(run, instruction);
  stack.length -= count;
  stack.push(result);
};

const isNumber = (value) => typeof value === "number";

// Numbers

action("script-mod-floors", "MOD", "MOD has the sign of the divisor.", instead(2, ([a, b]) => {
  if (isNumber(a) && isNumber(b)) return a - b * Math.floor(a / b);
}));
action("script-div-zero-traps", "DIV", "DIV by zero traps.", (clean) => (run, instruction) => {
  if (run.frame.stack[run.frame.stack.length - 1] === 0) throw new Trapped("type_error");
  clean(run, instruction);
});
action("script-neg-subtracts", "NEG", "NEG subtracts from 0, which makes 0 of 0.", instead(1, ([a]) => (isNumber(a) ? 0 - a : undefined)));
action("script-add-in-single-precision", "ADD", "ADD rounds to 32 bits.", instead(2, ([a, b]) => {
  if (isNumber(a) && isNumber(b)) return Math.fround(a + b);
}));
action("script-sub-swapped", "SUB", "SUB subtracts the value below the top from the top.", instead(2, ([a, b]) => {
  if (isNumber(a) && isNumber(b)) return b - a;
}));
action("script-prints-minus-zero-as-zero", "PRINT", "PRINT hands over 0 for -0.", (clean) => (run, instruction) => {
  const { stack } = run.frame;
  if (stack[stack.length - 1] === 0) stack[stack.length - 1] = 0;
  clean(run, instruction);
});

// Strings

action("script-add-converts", "ADD", "ADD makes a string of a number that is added to one.", instead(2, ([a, b]) => {
  if (a instanceof Text && isNumber(b)) return Text.constant(a.text + b);
}));
action("script-concat-reversed", "ADD", "ADD puts the strings together the wrong way round.", (clean) => (run, instruction) => {
  const { stack } = run.frame;
  const [a, b] = stack.slice(-2);
  if (a instanceof Text && b instanceof Text) stack.push(...stack.splice(-2).reverse());
  clean(run, instruction);
});
action("script-length-in-units", "LENGTH", "LENGTH counts the UTF-16 units of a string.", instead(1, ([a]) => (a instanceof Text ? a.text.length : undefined)));
action("script-length-in-bytes", "LENGTH", "LENGTH counts the bytes of a string.", instead(1, ([a]) => (a instanceof Text ? a.bytes : undefined)));
bug("script-compares-units", "LT,GT,LTE,GTE", "Strings are compared by UTF-16 units.", (machine) => {
  machine.compareTexts = (a, b) => (a.text < b.text ? -1 : Number(a.text > b.text));
});
bug("script-compares-to-the-shorter", "LT,GT,LTE,GTE", "A string is not told from one that goes on behind its end.", (machine) => {
  machine.compareTexts = (a, b) => {
    const shorter = Math.min(a.text.length, b.text.length);
    return Text.constant(a.text.slice(0, shorter)).compare(Text.constant(b.text.slice(0, shorter)));
  };
});

// Truth and equality

const TRUTH = "AND,OR,NOT,JUMP_IF_FALSE,JUMP_IF_TRUE";
bug("script-zero-is-false", TRUTH, "0 counts as false.", (machine) => {
  machine.truthy = (value) => value !== null && value !== false && value !== 0;
});
bug("script-empty-string-is-false", TRUTH, "The empty string counts as false.", (machine) => {
  machine.truthy = (value) => value !== null && value !== false && value.text !== "";
});
bug("script-nil-is-true", TRUTH, "Nil counts as true.", (machine) => {
  machine.truthy = (value) => value !== false;
});
action("script-logic-gives-booleans", "AND,OR", "AND and OR give a boolean instead of one of their values.", (clean, name) => (run) =>
  run.replace(2, (a, b) => {
    const [x, y] = [run.machine.truthy(a), run.machine.truthy(b)];
    return name === "AND" ? x && y : x || y;
  }));
const EQUALITY = "EQ,NEQ";
bug("script-nan-equals-nan", EQUALITY, "NaN equals NaN.", (machine) => {
  const { same } = machine;
  machine.same = (a, b) => same(a, b) || (Number.isNaN(a) && Number.isNaN(b));
});
bug("script-minus-zero-differs", EQUALITY, "0 does not equal -0.", (machine) => {
  const { same } = machine;
  machine.same = (a, b) => same(a, b) && (a !== 0 || Object.is(a, b));
});
bug("script-strings-by-identity", EQUALITY, "Strings are equal only if they are the same one.", (machine) => {
  machine.same = (a, b) => a === b;
});
bug("script-arrays-by-content", EQUALITY, "Arrays are equal when their elements are.", (machine) => {
  const { same } = machine;
  machine.same = (a, b) =>
    a instanceof List && b instanceof List
      ? a.elements.length === b.elements.length && a.elements.every((value, at) => same(value, b.elements[at]))
      : same(a, b);
});
bug("script-functions-by-code", EQUALITY, "Closures of one function are equal.", (machine) => {
  const { same } = machine;
  machine.same = (a, b) => (a instanceof Closure && b instanceof Closure ? a.target === b.target : same(a, b));
});
bug("script-loose-equality", EQUALITY, "A number equals a string that looks like it.", (machine) => {
  const { same } = machine;
  machine.same = (a, b) => same(a, b) || (a instanceof Text && isNumber(b) && a.text === String(b));
});

// Variables and closures

const CAPTURING = "CLOSURE,STORE_VAR,STORE_UPVALUE,RETURN";
bug("script-captures-values", CAPTURING, "A closure captures the value of a variable.", (machine) => {
  const { capture } = machine;
  machine.capture = (run, target) => capture(run, target).map(({ value }) => new Variable(value));
});
bug("script-shares-between-calls", CAPTURING, "A variable that was captured is the same one in each call.", (machine) => {
  const { capture } = machine;
  machine.capture = (run, target) => {
    const { frame } = run;
    run.shared ??= new Map();
    return capture(run, target).map((fresh, at) => {
      const { from, index } = target.captures[at];
      if (from === "upvalue") return fresh;
      const key = `${frame.target.start} ${index}`;
      const shared = run.shared.get(key) ?? fresh;
      run.shared.set(key, shared);
      shared.value = fresh.value;
      return (frame.locals[index] = shared);
    });
  };
});
bug("script-captures-backwards", "CLOSURE", "Captured variables are in the wrong order.", (machine) => {
  const { capture } = machine;
  machine.capture = (run, target) => capture(run, target).reverse();
});
bug("script-captures-locals-only", "CLOSURE", "What is to be captured from the closure is taken from the frame, if it has as many variables.", (machine) => {
  const { capture } = machine;
  machine.capture = (run, target) => {
    const found = capture(run, target);
    return found.map((variable, at) => {
      const { from, index } = target.captures[at];
      return from === "upvalue" && index < run.frame.locals.length ? new Variable(run.frame.local(index)) : variable;
    });
  };
});
action("script-store-var-keeps", "STORE_VAR", "STORE_VAR leaves the value on the stack.", () => (run, { raw }) =>
  run.frame.setLocal(raw, run.frame.stack[run.frame.stack.length - 1]));
action("script-global-default-nil", "LOAD_GLOBAL", "A global that is not there is nil.", () => (run, { operand }) =>
  run.push(run.globals.get(operand.text) ?? null));

// Control

const bytesFrom = (change) => (machine) => {
  const { meaning } = machine;
  machine.meaning = (instruction, module) => {
    const found = meaning(instruction, module);
    return found.target === undefined ? found : { target: change(found.target, instruction) };
  };
};
// The verifier may find what comes of these two elsewhere.
bug("script-loop-from-start", "-", "LOOP counts from its own start.", bytesFrom((target, { form, at, next }) =>
  form.name === "LOOP" ? target - (next - at) : target));
bug("script-jump-from-start", "-", "Jumps forward count from their own start.", bytesFrom((target, { form, at, next }) =>
  form.name === "LOOP" ? target : target - (next - at)));
action("script-jump-if-false-keeps", "JUMP_IF_FALSE", "JUMP_IF_FALSE leaves its value on the stack.", () => (run, { target }) => {
  if (!run.machine.truthy(run.frame.stack[run.frame.stack.length - 1])) run.next = target;
});
action("script-halt-returns", "HALT", "HALT in a function only ends that function.", (clean) => (run, instruction) => {
  if (run.frames.length > 1) run.leave(null);
  else clean(run, instruction);
});

// Calls

action("script-arity-unchecked", "CALL", "Too few arguments are filled up with nil.", (clean) => (run, instruction) => {
  const { stack } = run.frame;
  const { raw } = instruction;
  const callee = stack[stack.length - raw - 1];
  if (!(callee instanceof Closure) || callee.target.arity <= raw) return clean(run, instruction);
  const args = stack.splice(stack.length - raw, raw);
  stack.pop();
  run.enter(callee.target, callee, args, instruction.next);
});
action("script-arguments-reversed", "CALL", "Arguments come in the wrong order.", (clean) => (run, instruction) => {
  clean(run, instruction);
  const { locals } = run.frame;
  locals.unshift(...locals.splice(0, instruction.raw).reverse());
});
action("script-locals-kept", "CALL", "Variables keep their values from one call of a function to the next.", (clean) => (run, instruction) => {
  clean(run, instruction);
  const { frame } = run;
  run.kept ??= new Map();
  const before = run.kept.get(frame.target);
  if (before) frame.locals.splice(instruction.raw, Infinity, ...before.locals.slice(instruction.raw));
  run.kept.set(frame.target, frame);
});
bug("script-one-call-more", "CALL", "One call more is taken than there are frames.", (machine) => {
  machine.frameLimit++;
});
action("script-return-keeps-stack", "RETURN", "RETURN from the first function leaves what was below the value.", (clean) => (run, instruction) => {
  const below = run.frame.stack.slice(0, -1);
  clean(run, instruction);
  if (run.ended) run.stackLeft.unshift(...below);
});

// Objects and arrays

const looksLikeIndex = (key) => /^(0|[1-9][0-9]*)$/.test(key);
action("script-key-order", "SET_PROPERTY,SET_ELEMENT", "Keys that look like numbers come first.", (clean) => (run, instruction) => {
  const changed = run.frame.stack.slice(-3).filter((value) => value instanceof Table);
  clean(run, instruction);
  for (const { properties } of changed) {
    const entries = [...properties];
    const numbers = entries.filter(([key]) => looksLikeIndex(key)).sort(([a], [b]) => a - b);
    properties.clear();
    for (const [key, value] of [...numbers, ...entries]) properties.set(key, value);
  }
});
action("script-key-moves", "SET_PROPERTY", "A property that is set again becomes the last.", (clean) => (run, instruction) => {
  const [object] = run.frame.stack.slice(-2);
  clean(run, instruction);
  const { text } = instruction.operand;
  const value = object.properties.get(text);
  object.properties.delete(text);
  object.properties.set(text, value);
});
action("script-missing-property-traps", "GET_PROPERTY", "A property that is not there traps.", (clean) => (run, instruction) => {
  const object = run.frame.stack[run.frame.stack.length - 1];
  if (object instanceof Table && !object.properties.has(instruction.operand.text)) throw new Trapped("type_error");
  clean(run, instruction);
});
action("script-append-traps", "SET_ELEMENT", "SET_ELEMENT does not take the length as index.", (clean) => (run, instruction) => {
  const [array, index] = run.frame.stack.slice(-3);
  if (array instanceof List && index === array.elements.length) throw new Trapped("bad_index");
  clean(run, instruction);
});
/** GET_ELEMENT with another index for numbers that are none. */
const indexed = (change) => (clean) => (run, instruction) => {
  const { stack } = run.frame;
  const [array, index] = stack.slice(-2);
  const other = array instanceof List && isNumber(index) ? change(index, array.elements) : index;
  const isInside = array instanceof List && Number.isInteger(other) && other >= 0 && other < array.elements.length;
  if (isInside) stack[stack.length - 1] = other;
  clean(run, instruction);
};
action("script-index-truncates", "GET_ELEMENT", "GET_ELEMENT cuts off the fraction of an index.", indexed(Math.trunc));
action("script-index-from-end", "GET_ELEMENT", "GET_ELEMENT counts negative indexes from the end.", indexed((index, { length }) => (index < 0 ? index + length : index)));
action("script-index-wraps", "GET_ELEMENT", "GET_ELEMENT takes an index modulo 2^32.", indexed((index) => index >>> 0));
action("script-strings-have-elements", "GET_ELEMENT", "GET_ELEMENT takes a string and an index, and gives a character.", instead(2, ([a, i]) => {
  if (a instanceof Text && i >= 0 && i < a.text.length) return Text.constant(a.text[i]);
}));
action("script-array-reversed", "NEW_ARRAY", "NEW_ARRAY makes the top the first element.", (clean) => (run, instruction) => {
  clean(run, instruction);
  run.frame.stack[run.frame.stack.length - 1].elements.reverse();
});
action("script-pops-before-trap", "SET_ELEMENT", "SET_ELEMENT has popped what it takes when it traps.", (clean) => (run, instruction) => {
  try {
    clean(run, instruction);
  } catch (error) {
    run.frame.stack.length -= 3;
    throw error;
  }
});
action("script-swap-copies", "SWAP", "SWAP leaves the top twice.", () => (run) => run.replace(2, (_, b) => b) ?? run.push(run.frame.stack[run.frame.stack.length - 1]));

// The heap

const MAKING = "ADD,CLOSURE,NEW_ARRAY,NEW_OBJECT,SET_ELEMENT,SET_PROPERTY";
/** Counts other roots, in another way. */
const counted = (count) => (machine) => {
  machine.liveCells = (run) => count(run);
};
bug("script-garbage-counts", MAKING, "What cannot be reached any more still takes room.", counted((run) => run.bound));
bug("script-running-closures-do-not-count", MAKING, "A closure that runs takes no room when it is on no stack.", counted((run) => {
  const values = (frame) => [...frame.stack, ...frame.locals];
  return liveCells([...run.frames.flatMap(values), ...run.globals.values()]);
}));
bug("script-globals-are-no-roots", MAKING, "What only globals refer to takes no room.", counted((run) => {
  const values = ({ stack, locals, closure }) => [...stack, ...locals, closure];
  return liveCells(run.frames.flatMap(values));
}));
bug("script-one-cell-less", MAKING, "The heap has a cell less.", (machine) => {
  machine.heapCells--;
});

// Modules and verification

/** The module is read from other bytes. */
const readFrom = (change) => (machine) => {
  const { readModule } = machine;
  machine.readModule = (bytes) => change(bytes, readModule);
};
bug("script-any-version", "-", "The version of the format is not looked at.", readFrom((bytes, read) => {
  if (bytes.length > 4) bytes[4] = 1;
  return read(bytes);
}));
bug("script-trailing-bytes", "-", "Bytes behind the code are taken.", readFrom((bytes, read) => {
  try {
    return read(bytes);
  } catch (error) {
    if (!(error instanceof Rejected) || error.reason !== "bad_module") throw error;
    try {
      return read(bytes.subarray(0, error.at));
    } catch {
      throw error;
    }
  }
}));
bug("script-operands-little-endian", "-", "Operands are read least significant byte first.", (machine) => {
  machine.readOperand = (bytes) => bytes.readUInt32LE(0);
});
/** The verifier no longer finds faults of a reason. */
const without = (reason) => (machine) => {
  const { verify } = machine;
  machine.verify = (module, program) => verify(module, program).filter((fault) => fault.reason !== reason);
};
bug("script-stated-stack-unchecked", "-", "A function may get deeper than it says.", without("bad_limit"));
bug("script-mismatch-unchecked", "-", "Paths may meet with different heights.", without("stack_mismatch"));

// The constant pool machine

bug("pool-from-one", "LOAD_CONST", "Entries are counted from 1.", (machine) => {
  const { meaning } = machine;
  machine.meaning = (instruction, module) =>
    meaning(instruction.form.operand === "const" ? { ...instruction, raw: instruction.raw - 1 } : instruction, module);
});
action("pool-small-signed", "PUSH_SMALL", "PUSH_SMALL takes its number as one with a sign.", () => (run, { raw }) =>
  run.push(raw > 127 ? raw - 256 : raw));
action("pool-print-keeps", "PRINT", "PRINT leaves the value on the stack.", () => (run) =>
  run.print(run.frame.stack[run.frame.stack.length - 1]));
bug("pool-index-of-seven-bits", "LOAD_CONST", "Only the low seven bits of an index count.", (machine) => {
  const { meaning } = machine;
  machine.meaning = (instruction, module) =>
    meaning(instruction.form.operand === "const" ? { ...instruction, raw: instruction.raw & 127 } : instruction, module);
});

module.exports = BUGS;
