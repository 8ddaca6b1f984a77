"use strict";
// Connects a JavaScript VM to Bytestone: version 1 of the engine protocol (docs/protocol.md).
//
//     const { serve, fuel, halt } = require("./bytestone");
//
//     function run(request, recorder) {
//       const state = { pc: 0, depth: 0, stack: [], cells: { local: new Array(26).fill(0) } };
//       for (;;) {
//         if (!recorder.step(state)) return fuel(state);
//         ...                          // recorder.print(value) for what the program prints
//       }
//     }
//
//     serve({ name: "myvm", version: "1.0", machines: "calculator@1", run });
//
// Node 18 or newer, standard library only.
const { once } = require("node:events");

const PROTOCOL = 1;
const CAPABILITIES = new Set(); // version 1 of the protocol defines none
const DEFAULTS = {
  phases: "decode,verify,run",
  observes: "pc,depth,stack,cells,output",
  traces: "hash,window",
};

class BadRequest extends Error {}

// Outcomes. A state is { pc, depth, stack, cells }; `cells` holds an array of values for each bank. Where values are
// more than numbers, a state also has a `notation` that writes them; its `stack` and `cells` are then what that takes.

const halt = (state) => ({ outcome: "halt", state });
const fuel = (state) => ({ outcome: "fuel", state });
const trap = (name, at, state) => ({ outcome: "trap", trap: name, at, state });
const reject = (phase, reason, at) => ({ outcome: "reject", phase, reason, at });
const unsupported = (message) => ({ outcome: "unsupported", message });

// The hash

// The CRC of each byte. Node's own zlib.crc32 is not in all versions that are supported.
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  return crc >>> 0;
});

/** Feeds a line, which is ASCII, and its line feed. */
function feed(crc, line) {
  crc = ~crc;
  for (let i = 0; i < line.length; i++) crc = CRC_TABLE[(crc ^ line.charCodeAt(i)) & 255] ^ (crc >>> 8);
  return ~(CRC_TABLE[(crc ^ 10) & 255] ^ (crc >>> 8)) >>> 0;
}

/** The CRC-32 of bytes. */
function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

const hex8 = (crc) => crc.toString(16).padStart(8, "0");

/** All cells that are not zero. */
function nonzero(cells) {
  const found = [];
  for (const [bank, values] of Object.entries(cells)) {
    values.forEach((value, index) => value && found.push(`${bank}:${index}=${value}`));
  }
  return found.join(",");
}

/** How numbers are written: a whole stack, one value of it in a light row, and all cells. */
const NUMBERS = { stack: (stack) => stack.join(","), light: String, cells: nonzero };

// Recorders

/** Counts steps and keeps what is printed. The recorders below also show the states on the way. */
class Recorder {
  constructor(most, observes) {
    this.most = most;
    this.observes = observes;
    this.steps = 0;
    this.output = [];
  }

  /** The program prints a value: a number, or the text of one of another kind. */
  print(value) {
    this.output.push(value);
  }

  /** Comes before each step. False: no fuel is left, so that the step must not be done. */
  step(state) {
    if (this.steps >= this.most) return false;
    this.record(state);
    this.steps++;
    return true;
  }

  record() {}

  /** What the trace adds to the answer. */
  finish() {
    return {};
  }

  /** The observed parts of a state before a step, by their keys in a row. */
  parts({ pc, depth = 0, stack = [], cells = {}, notation = NUMBERS }) {
    const { observes, output } = this;
    const parts = {};
    if (observes.has("pc")) parts.pc = pc;
    if (observes.has("depth")) parts.depth = depth;
    if (observes.has("output")) parts.printed = `${output.length}:${output.length ? output[output.length - 1] : ""}`;
    if (observes.has("stack")) parts.stack = notation.stack(stack);
    if (observes.has("cells")) parts.cells = notation.cells(cells);
    return parts;
  }
}

/** The CRC over the rows of all steps, with checkpoints. */
class HashRecorder extends Recorder {
  constructor(most, observes, every, from) {
    super(most, observes);
    Object.assign(this, { every, from, crc: 0, checkpoints: [] });
  }

  feedState(state) {
    this.crc = feed(this.crc, `S ${Object.values(this.parts(state)).join(" ")}`);
  }

  record(state) {
    const { every, from, steps, observes } = this;
    if (every && steps && steps > from && steps % every === 0) {
      this.feedState(state);
      this.checkpoints.push(hex8(this.crc));
    }
    let row = `${state.pc}`;
    if (observes.has("depth")) row += ` ${state.depth ?? 0}`;
    if (observes.has("stack")) {
      const { stack = [], notation = NUMBERS } = state;
      row += ` ${stack.length}`;
      for (let i = stack.length - 1; i >= 0 && i >= stack.length - 4; i--) row += ` ${notation.light(stack[i])}`;
    }
    this.crc = feed(this.crc, row);
  }

  finish(state) {
    this.feedState(state);
    return { hash: hex8(this.crc), checkpoints: this.checkpoints.join(",") };
  }
}

/** A row for each step from `from` on. */
class WindowRecorder extends Recorder {
  constructor(most, observes, from, writeRow) {
    super(most, observes);
    Object.assign(this, { from, writeRow });
  }

  record(state) {
    if (this.steps >= this.from) this.writeRow({ step: this.steps, ...this.parts(state) });
  }
}

// Requests

function word(request, key) {
  if (typeof request[key] !== "string") throw new BadRequest(`${key} must be a string`);
  return request[key];
}

function count(request, key) {
  const value = request[key];
  if (!Number.isInteger(value) || value < 0) throw new BadRequest(`${key} must be a number from 0 on`);
  return value;
}

function readProgram(text) {
  if (text.length % 2 || /[^0-9A-Fa-f]/.test(text)) throw new BadRequest("program is not hexadecimal");
  return Buffer.from(text, "hex");
}

/** The cells to set, as [bank, index, value]. */
function readInput(text) {
  return (text ? text.split(",") : []).map((entry) => {
    const match = /^([^:=]+):([0-9]+)=(-?[0-9]+)$/.exec(entry);
    if (!match) throw new BadRequest(`input: ${entry} is not bank:index=value`);
    return [match[1], Number(match[2]), Number(match[3])];
  });
}

function parse(line) {
  let request;
  try {
    request = JSON.parse(line);
  } catch (error) {
    throw new BadRequest(`not JSON: ${error.message}`);
  }
  if (request === null || typeof request !== "object" || Array.isArray(request)) {
    throw new BadRequest("a request is a JSON object");
  }
  return request;
}

/** Answers requests; `write` takes one message. */
class Session {
  constructor(engine, write) {
    this.engine = { ...DEFAULTS, ...engine };
    this.write = write;
    this.observes = new Set(this.engine.observes.split(","));
    this.machines = this.engine.machines.split(",").map((machine) => machine.split("@")[0]);
  }

  /** Answers one line. False: the other side said bye. */
  answer(line) {
    let request = {};
    try {
      request = parse(line);
      if (request.type === "bye") return false;
      if (request.type === "hello") this.hello(request);
      else if (request.type === "run") this.run(request);
      else throw new BadRequest("unknown request");
    } catch (error) {
      // A fault of the VM must not end the engine: the next program may well run.
      if (!(error instanceof BadRequest)) console.error(error);
      const id = Number.isInteger(request.id) ? { id: request.id } : {};
      this.write({ type: "error", ...id, message: error.message });
    }
    return true;
  }

  hello(request) {
    if (request.protocol !== PROTOCOL) {
      throw new BadRequest(`this engine speaks protocol ${PROTOCOL}, not ${request.protocol}`);
    }
    for (const name of String(request.requires ?? "").split(",")) {
      if (name && !CAPABILITIES.has(name)) throw new BadRequest(`unknown capability ${name}`);
    }
    const { name, version, machines, phases, observes, traces } = this.engine;
    this.write({ type: "hello", protocol: PROTOCOL, name, version, machines, phases, observes, traces });
  }

  run(request) {
    const id = count(request, "id");
    const recorder = this.recorder(request, id);
    const machine = word(request, "machine");
    const program = readProgram(word(request, "program"));
    const input = readInput(word(request, "input"));
    const result = this.machines.includes(machine)
      ? this.engine.run({ machine, program, input }, recorder)
      : unsupported(`no machine ${machine}`);
    this.write({ type: "done", id, ...this.result(result, recorder) });
  }

  recorder(request, id) {
    const trace = word(request, "trace");
    const [most, every, from] = ["fuel", "every", "from"].map((key) => count(request, key));
    if (trace === "none") return new Recorder(most, this.observes);
    if (trace === "hash") return new HashRecorder(most, this.observes, every, from);
    if (trace === "window") {
      return new WindowRecorder(most, this.observes, from, (row) => this.write({ type: "row", id, ...row }));
    }
    throw new BadRequest(`unknown trace ${trace}`);
  }

  result({ state, ...ending }, recorder) {
    if (!state) return ending;
    const { printed, ...parts } = recorder.parts(state);
    if (this.observes.has("output")) parts.output = recorder.output.join(",");
    return { ...ending, steps: recorder.steps, ...parts, ...recorder.finish(state) };
  }
}

/** Keeps standard output for the answers; whatever else the VM prints goes to standard error. */
function claimChannel() {
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = process.stderr.write.bind(process.stderr);
  process.stdout.on("error", () => process.exit(1)); // nobody reads the answers any more
  return write;
}

/** The lines of a stream, whatever the chunks in which they come. */
async function* lines(stream) {
  let rest = "";
  stream.setEncoding("utf8");
  for await (const chunk of stream) {
    const parts = chunk.split("\n");
    parts[0] = rest + parts[0];
    rest = parts.pop();
    yield* parts;
  }
  if (rest) yield rest;
}

/** Answers the requests on standard input until it ends or says bye. */
async function serve(engine) {
  const write = claimChannel();
  let answer = "";
  const session = new Session(engine, (message) => {
    answer += JSON.stringify(message) + "\n";
  });
  for await (const line of lines(process.stdin)) {
    if (!session.answer(line)) break;
    // The next request waits until the reader has taken the answer to this one.
    if (!write(answer)) await once(process.stdout, "drain");
    answer = "";
  }
}

module.exports = { serve, halt, fuel, trap, reject, unsupported, crc32, hex8, BadRequest };
