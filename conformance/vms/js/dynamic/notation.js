"use strict";
// Dynamic values as the engine protocol writes them (docs/protocol.md).
const { crc32, hex8 } = require("../bytestone");
const { Text, List, Table, Closure } = require("./values");

const CUT = "...";
const MOST = { depth: 64, nodes: 4096, bytes: 256, lightBytes: 16 };
const NAN = "7ff8000000000000";

const scratch = Buffer.alloc(8);

function float(number) {
  if (Number.isNaN(number)) return `d${NAN}`; // the bits of a NaN are not for JavaScript to choose
  scratch.writeDoubleBE(number);
  return `d${scratch.toString("hex")}`;
}

/** A string of more than `most` bytes is told from others by its length and its CRC-32. */
function string(text, bytes, most = MOST.bytes) {
  const utf8 = Buffer.from(text);
  return bytes <= most ? `s${utf8.toString("hex")}` : `s${bytes}~${hex8(crc32(utf8))}`;
}

/** The same for a text of the heap, which is asked for at every step that it is on the stack. */
function textOf(text, most = MOST.bytes) {
  text.shown ??= {};
  return (text.shown[most] ??= string(text.text, text.bytes, most));
}

const keyOf = (key) => string(key, Buffer.byteLength(key));

/** A value in which there is no other; undefined for others. */
function plain(value, most) {
  if (value === null) return "nil";
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number") return float(value);
  if (value instanceof Text) return textOf(value, most);
}

/** Writes a list of values, in which arrays, objects and closures are numbered as they are met. */
class Listing {
  constructor() {
    Object.assign(this, { numbers: new Map(), around: 0 });
  }

  value(value) {
    return plain(value) ?? this.node(value);
  }

  node(node) {
    const known = this.numbers.get(node);
    if (known !== undefined) return `#${known}`;
    if (this.numbers.size >= MOST.nodes || this.around >= MOST.depth) return CUT;
    const number = this.numbers.size;
    this.numbers.set(node, number);
    this.around++;
    const text = `#${number}${this.inside(node)}`;
    this.around--;
    return text;
  }

  inside(node) {
    const values = (list) => list.map((value) => this.value(value)).join(";");
    if (node instanceof List) return `[${values(node.elements)}]`;
    if (node instanceof Closure) {
      return `f${node.target.index}(${values(node.captures.map((variable) => variable.value))})`;
    }
    const entries = [...node.properties].map(([key, value]) => `${keyOf(key)}=${this.value(value)}`);
    return `{${entries.join(";")}}`;
  }
}

/** A value that is a list of its own. */
const alone = (value) => new Listing().value(value);

/** Nodes are shown by their sizes only. */
function light(value) {
  const text = plain(value, MOST.lightBytes);
  if (text !== undefined) return text;
  if (value instanceof List) return `a${value.elements.length}`;
  return value instanceof Table ? `o${value.properties.size}` : `f${value.target.index}`;
}

/** All values of one stack are one list. */
function stack(values) {
  const listing = new Listing();
  return values.map((value) => listing.value(value)).join(",");
}

/** Cells come as [bank, index or name, value]; variables that are nil are as fresh ones, globals are there all the same. */
function cells(all) {
  const shown = all.filter(([bank, , value]) => bank === "global" || value !== null);
  const key = (name) => (typeof name === "number" ? name : keyOf(name));
  return shown.map(([bank, name, value]) => `${bank}:${key(name)}=${alone(value)}`).join(",");
}

module.exports = { alone, light, stack, cells };
