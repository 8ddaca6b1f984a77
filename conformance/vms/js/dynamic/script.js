"use strict";
// The script machine, and the constant pool machine, which has a few of its instructions, written by hand from their
// manuals.
const { meaning } = require("./code");
const { cellsOfProperty, cellsOfText, liveCells } = require("./heap");
const { Text, List, Table, Closure, Variable } = require("./values");
const { readModule } = require("./module");
const { runProgram, Trapped } = require("./run");
const { verify } = require("./verify");

/** Everything is true but nil and false. */
const truthy = (value) => value !== null && value !== false;

/** One string behind the other. */
function concat(run, a, b) {
  const bytes = a.bytes + b.bytes;
  run.reserve(cellsOfText(bytes));
  return new Text(a.text + b.text, bytes);
}

/** An action for two numbers. */
const arithmetic = (compute) => (run) =>
  run.replace(2, (a, b) => {
    if (typeof a !== "number" || typeof b !== "number") throw new Trapped("type_error");
    return compute(a, b);
  });

/** An action for two numbers or two strings, which are compared by their bytes. */
const order = (holds) => (run) =>
  run.replace(2, (a, b) => {
    if (typeof a === "number" && typeof b === "number") return holds(a, b);
    if (a instanceof Text && b instanceof Text) return holds(run.machine.compareTexts(a, b), 0);
    throw new Trapped("type_error");
  });

/** Numbers as IEEE 754 has it, which is what JavaScript does; strings by content; nodes by identity. */
const same = (a, b) => (a instanceof Text && b instanceof Text ? a.text === b.text : a === b);

/** The place of an element; -0 is 0. */
function place(number, count) {
  if (!Number.isInteger(number) || number < 0 || number >= count) throw new Trapped("bad_index");
  return number === 0 ? 0 : number;
}

/** An array with a number or an object with a string: what to do with either. */
function element(a, i, ofList, ofTable) {
  if (a instanceof List && typeof i === "number") return ofList(a.elements, i);
  if (a instanceof Table && i instanceof Text) return ofTable(a.properties, i.text);
  throw new Trapped("type_error");
}

function properties(value) {
  if (!(value instanceof Table)) throw new Trapped("type_error");
  return value.properties;
}

const property = (table, key) => table.get(key) ?? null;

function setProperty(run, table, key, value) {
  run.reserve(table.has(key) ? 0 : cellsOfProperty(key));
  table.set(key, value);
}

function setElement(run, elements, i, value) {
  const at = place(i, elements.length + 1);
  run.reserve(at === elements.length ? 1 : 0);
  elements[at] = value;
}

/** The variables that a closure of a function captures here; each is the same for all that capture it. */
function capture(run, target) {
  const { frame } = run;
  const locals = target.captures.filter(({ from }) => from === "local").map(({ index }) => index);
  const fresh = new Set(locals.filter((index) => !(frame.locals[index] instanceof Variable)));
  run.reserve(1 + target.captures.length + fresh.size);
  for (const index of fresh) frame.locals[index] = new Variable(frame.locals[index]);
  return target.captures.map(({ from, index }) => (from === "local" ? frame.locals : frame.closure.captures)[index]);
}

function length(value) {
  if (value instanceof List) return value.elements.length;
  if (value instanceof Table) return value.properties.size;
  if (value instanceof Text) return value.length;
  throw new Trapped("type_error");
}

const ACTIONS = {
  PUSH_CONSTANT: (run, { operand }) => run.push(operand),
  POP: (run) => void run.pop(),
  ADD: (run) =>
    run.replace(2, (a, b) => {
      if (typeof a === "number" && typeof b === "number") return a + b;
      if (a instanceof Text && b instanceof Text) return concat(run, a, b);
      throw new Trapped("type_error");
    }),
  SUB: arithmetic((a, b) => a - b),
  MUL: arithmetic((a, b) => a * b),
  DIV: arithmetic((a, b) => a / b),
  MOD: arithmetic((a, b) => a % b),
  EQ: (run) => run.replace(2, (a, b) => run.machine.same(a, b)),
  NEQ: (run) => run.replace(2, (a, b) => !run.machine.same(a, b)),
  LT: order((a, b) => a < b),
  GT: order((a, b) => a > b),
  LTE: order((a, b) => a <= b),
  GTE: order((a, b) => a >= b),
  AND: (run) => run.replace(2, (a, b) => (run.machine.truthy(a) ? b : a)),
  OR: (run) => run.replace(2, (a, b) => (run.machine.truthy(a) ? a : b)),
  NOT: (run) => run.replace(1, (a) => !run.machine.truthy(a)),
  LOAD_VAR: (run, { raw }) => run.push(run.frame.local(raw)),
  STORE_VAR: (run, { raw }) => run.frame.setLocal(raw, run.pop()),
  LOAD_GLOBAL(run, { operand }) {
    if (!run.globals.has(operand.text)) throw new Trapped("undefined_global");
    run.push(run.globals.get(operand.text));
  },
  STORE_GLOBAL: (run, { operand }) => void run.globals.set(operand.text, run.pop()),
  JUMP(run, { target }) {
    run.next = target;
  },
  JUMP_IF_FALSE(run, { target }) {
    if (!run.machine.truthy(run.pop())) run.next = target;
  },
  JUMP_IF_TRUE(run, { target }) {
    if (run.machine.truthy(run.pop())) run.next = target;
  },
  CALL(run, { raw, next }) {
    const { stack } = run.frame;
    const callee = stack[stack.length - raw - 1];
    if (!(callee instanceof Closure)) throw new Trapped("not_callable");
    if (callee.target.arity !== raw) throw new Trapped("arity_mismatch");
    if (run.frames.length >= run.machine.frameLimit) throw new Trapped("call_depth");
    const args = stack.splice(stack.length - raw, raw);
    stack.pop();
    run.enter(callee.target, callee, args, next);
  },
  RETURN: (run) => run.leave(run.pop()),
  NEW_OBJECT(run) {
    run.reserve(1);
    run.push(new Table());
  },
  GET_PROPERTY: (run, { operand }) => run.replace(1, (o) => property(properties(o), operand.text)),
  SET_PROPERTY: (run, { operand }) =>
    run.replace(2, (o, value) => setProperty(run, properties(o), operand.text, value)),
  NEW_ARRAY: (run, { raw }) =>
    run.replace(raw, (...elements) => {
      run.reserve(1 + raw);
      return new List(elements);
    }),
  GET_ELEMENT: (run) =>
    run.replace(2, (a, i) => element(a, i, (elements, at) => elements[place(at, elements.length)], property)),
  SET_ELEMENT: (run) =>
    run.replace(3, (a, i, value) =>
      element(
        a,
        i,
        (elements, at) => setElement(run, elements, at, value),
        (table, key) => setProperty(run, table, key, value),
      ),
    ),
  HALT(run) {
    run.ended = true;
  },
  DUP: (run) => run.push(run.frame.stack[run.frame.stack.length - 1]),
  SWAP(run) {
    const { stack } = run.frame;
    stack.push(...stack.splice(stack.length - 2).reverse());
  },
  NEG: (run) =>
    run.replace(1, (a) => {
      if (typeof a !== "number") throw new Trapped("type_error");
      return -a;
    }),
  LOAD_UPVALUE: (run, { raw }) => run.push(run.frame.closure.captures[raw].value),
  STORE_UPVALUE(run, { raw }) {
    run.frame.closure.captures[raw].value = run.pop();
  },
  LOOP(run, { target }) {
    run.next = target;
  },
  CLOSURE: (run, { operand }) => run.push(new Closure(operand, run.machine.capture(run, operand))),
  PRINT: (run) => run.print(run.pop()),
  LENGTH: (run) => run.replace(1, (value) => run.machine.length(value)),
};

/** A row of the manual's table of instructions; `ends`: execution does not go on behind it. */
const form = (name, takes, leaves, operand, ends = false) => ({ name, takes, leaves, operand, ends });

// In the order of their opcodes.
const SCRIPT_FORMS = [
  form("PUSH_CONSTANT", 0, 1, "const"),
  form("POP", 1, 0),
  ...["ADD", "SUB", "MUL", "DIV", "MOD"].map((name) => form(name, 2, 1)),
  ...["EQ", "NEQ", "LT", "GT", "LTE", "GTE", "AND", "OR"].map((name) => form(name, 2, 1)),
  form("NOT", 1, 1),
  form("LOAD_VAR", 0, 1, "local"),
  form("STORE_VAR", 1, 0, "local"),
  form("LOAD_GLOBAL", 0, 1, "name"),
  form("STORE_GLOBAL", 1, 0, "name"),
  form("JUMP", 0, 0, "ahead", true),
  form("JUMP_IF_FALSE", 1, 0, "ahead"),
  form("JUMP_IF_TRUE", 1, 0, "ahead"),
  form("CALL", 1, 1, "count"),
  form("RETURN", 1, 0, undefined, true),
  form("NEW_OBJECT", 0, 1),
  form("GET_PROPERTY", 1, 1, "name"),
  form("SET_PROPERTY", 2, 0, "name"),
  form("NEW_ARRAY", 0, 1, "count"),
  form("GET_ELEMENT", 2, 1),
  form("SET_ELEMENT", 3, 0),
  form("HALT", 0, 0, undefined, true),
  form("DUP", 1, 2),
  form("SWAP", 2, 2),
  form("NEG", 1, 1),
  form("LOAD_UPVALUE", 0, 1, "upvalue"),
  form("STORE_UPVALUE", 1, 0, "upvalue"),
  form("LOOP", 0, 0, "back", true),
  form("CLOSURE", 0, 1, "func"),
  form("PRINT", 1, 0),
  form("LENGTH", 1, 1),
];

const POOL_FORMS = [];
POOL_FORMS[0x00] = form("HALT", 0, 0, undefined, true);
POOL_FORMS[0x01] = form("PUSH_SMALL", 0, 1, "small");
POOL_FORMS[0x02] = form("PRINT", 1, 0);
POOL_FORMS[0x10] = form("LOAD_CONST", 0, 1, "const");

/** A machine with what its parts ask of it. */
function machine(rules) {
  const built = {
    major: 1,
    stackLimit: 256,
    truthy,
    same,
    compareTexts: (a, b) => a.compare(b),
    length,
    capture,
    liveCells: (run) => liveCells(run.roots()),
    meaning,
    /** How many values an instruction takes and leaves; a "count" says how many more it takes. */
    effect: ({ form: { takes, leaves, operand }, raw }) => [operand === "count" ? takes + raw : takes, leaves],
    readModule: (bytes) => readModule(bytes, built),
    verify: (module, program) => verify(built, module, program),
    run: (request, recorder) => runProgram(built, request, recorder),
    ...rules,
  };
  return built;
}

/** New machines, so that a change to one is no change to another. */
function build() {
  const script = machine({
    name: "script",
    kinds: ["nil", "bool", "num", "str"],
    variableLimit: 4096,
    frameLimit: 200,
    heapCells: 65536,
    operandBytes: 4,
    readOperand: (bytes) => bytes.readUInt32BE(0),
    forms: SCRIPT_FORMS,
    actions: { ...ACTIONS },
  });
  const pool = machine({
    name: "pool",
    kinds: ["nil", "num", "str"],
    variableLimit: 0,
    heapCells: 1024,
    operandBytes: 1,
    readOperand: (bytes) => bytes[0],
    forms: POOL_FORMS,
    actions: {
      HALT: ACTIONS.HALT,
      PUSH_SMALL: (run, { raw }) => run.push(raw),
      PRINT: ACTIONS.PRINT,
      LOAD_CONST: ACTIONS.PUSH_CONSTANT,
    },
  });
  return { script, pool };
}

module.exports = { build };
