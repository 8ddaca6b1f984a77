"use strict";
// Reads modules (docs/module.md). What breaks the rules is thrown as Rejected, with the offset in the file.
const { Text } = require("./values");

const MARK = Buffer.from("BYTS");
const VERSION = 1;
const MOST = 65536; // constants, functions, variables, captured variables, cells of a stack
const NAN = 0x7ff8000000000000n;

/** A program that is not taken. */
class Rejected extends Error {
  constructor(phase, reason, at) {
    super(`${reason} at ${at}`);
    Object.assign(this, { phase, reason, at });
  }
}

const bad = (at, reason = "bad_module") => new Rejected("decode", reason, at);

/** Where the first character starts that UTF-8 does not have; -1 if all is well. */
function utf8Fault(bytes) {
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at];
    const more = lead < 0x80 ? 0 : lead < 0xc2 ? -1 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : -1;
    const tail = bytes.subarray(at + 1, at + 1 + more);
    if (more < 0 || tail.length < more || tail.some((byte) => byte >> 6 !== 2)) return at;
    // Longer than needed, halves of UTF-16 pairs, and beyond the last code point.
    if ((lead === 0xe0 && tail[0] < 0xa0) || (lead === 0xed && tail[0] >= 0xa0)) return at;
    if ((lead === 0xf0 && tail[0] < 0x90) || (lead === 0xf4 && tail[0] >= 0x90)) return at;
    at += 1 + more;
  }
  return -1;
}

class Reader {
  constructor(bytes) {
    Object.assign(this, { bytes, at: 0 });
  }

  take(count) {
    if (count > this.bytes.length - this.at) throw bad(this.at, "truncated");
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  u8() {
    return this.take(1)[0];
  }

  u32() {
    return this.take(4).readUInt32LE(0);
  }

  text() {
    const length = this.u32();
    const at = this.at;
    const bytes = this.take(length);
    const fault = utf8Fault(bytes);
    if (fault >= 0) throw bad(at + fault);
    return bytes.toString("utf8");
  }

  /** A number of at most so much. */
  upTo(most) {
    const at = this.at;
    const number = this.u32();
    if (number > most) throw bad(at);
    return number;
  }

  list(most, read) {
    const entries = [];
    // The number is not to be trusted: nothing is made before it is read.
    for (let left = this.upTo(most); left > 0; left--) entries.push(read(entries));
    return entries;
  }
}

function header(reader, machine) {
  const start = reader.bytes.subarray(0, MARK.length);
  if (!start.equals(MARK.subarray(0, start.length))) throw bad(0, "not_a_module");
  reader.take(MARK.length);
  if (reader.u8() !== VERSION) throw bad(4, "bad_version");
  const name = reader.take(reader.u8()).toString("latin1");
  if (!/^[a-z][a-z0-9-]*$/.test(name)) throw bad(6);
  if (reader.u32() !== machine.major || name !== machine.name) throw bad(6, "wrong_machine");
}

function constant(reader, machine) {
  const at = reader.at;
  const tag = reader.u8();
  const kind = ["nil", "bool", "bool", "int", "num", "str"][tag];
  if (!kind) throw bad(at);
  let value = [null, false, true][tag];
  if (kind === "int") value = reader.take(8);
  if (kind === "num") value = float(reader);
  if (kind === "str") value = Text.constant(reader.text());
  if (!machine.kinds.includes(kind)) throw bad(at);
  return value;
}

function float(reader) {
  const at = reader.at;
  const bytes = reader.take(8);
  const number = bytes.readDoubleLE(0);
  if (Number.isNaN(number) && bytes.readBigUInt64LE(0) !== NAN) throw bad(at);
  return number;
}

function capture(reader) {
  const at = reader.at;
  const from = ["local", "upvalue"][reader.u8()];
  if (!from) throw bad(at);
  return { from, index: reader.u32() };
}

function line(reader, length, before) {
  const at = reader.at;
  const offset = reader.u32();
  if (offset >= length || (before && offset <= before.offset)) throw bad(at);
  if (reader.u32() === 0) throw bad(reader.at - 4);
  return { at, offset };
}

/** The names of local variables: of all or of none. They are for people. */
function localNames(reader, locals) {
  const at = reader.at;
  const count = reader.u32();
  if (count !== 0 && count !== locals) throw bad(at);
  for (let left = count; left > 0; left--) reader.text();
}

/** A function, whose code comes later. The first one is called by nobody: it has neither arguments nor captures. */
function func(reader, machine, index) {
  const name = reader.text();
  const arity = reader.upTo(index === 0 ? 0 : Infinity);
  const at = reader.at;
  const locals = reader.upTo(machine.variableLimit ? MOST : 0);
  if (locals < arity) throw bad(at);
  const maxStack = reader.upTo(MOST);
  const captures = reader.list(index > 0 && machine.variableLimit ? MOST : 0, () => capture(reader));
  const length = reader.u32();
  const lines = reader.list(Infinity, (found) => line(reader, length, found[found.length - 1]));
  localNames(reader, locals);
  return { index, name, arity, locals, maxStack, captures, length, lines };
}

/** The module, with each function's place in the code. */
function readModule(bytes, machine) {
  const reader = new Reader(bytes);
  header(reader, machine);
  const constants = reader.list(MOST, () => constant(reader, machine));
  const at = reader.at;
  const functions = reader.list(MOST, (found) => func(reader, machine, found.length));
  if (functions.length === 0) throw bad(at);
  const start = reader.at;
  for (const each of functions) {
    each.start = reader.at - start;
    reader.take(each.length);
    each.end = reader.at - start;
  }
  if (reader.at < bytes.length) throw bad(reader.at);
  return { constants, functions, code: bytes.subarray(start) };
}

module.exports = { readModule, Rejected };
