"use strict";
// Values of the machines with dynamic values. `nil` is null; truth values and numbers are those of JavaScript; the rest
// are objects, which are the same value only if they are the same object. Not so texts.

/** A string. JavaScript counts in units of UTF-16, the machines in characters, and memory in bytes of UTF-8. */
class Text {
  /** `bytes` is the length in UTF-8. Constants live outside of the heap. */
  constructor(text, bytes, constant = false) {
    Object.assign(this, { text, bytes, constant });
  }

  static constant(text) {
    return new Text(text, Buffer.byteLength(text), true);
  }

  get length() {
    let count = 0;
    for (const _ of this.text) count++;
    return count;
  }

  /** UTF-8 keeps the order of code points, which UTF-16 does not. */
  compare(other) {
    return Buffer.compare(Buffer.from(this.text), Buffer.from(other.text));
  }
}

class List {
  constructor(elements) {
    this.elements = elements;
  }
}

/** Properties are kept in a Map: a plain object would move keys that look like numbers to the front. */
class Table {
  constructor() {
    this.properties = new Map();
  }
}

/** A function with the variables that it captured. */
class Closure {
  constructor(target, captures) {
    Object.assign(this, { target, captures });
  }
}

/** A variable that a closure captured, which it shares with the frame that it was in. */
class Variable {
  constructor(value) {
    this.value = value;
  }
}

module.exports = { Text, List, Table, Closure, Variable };
