"use strict";
// Verification (docs/cases.md, "Reject reasons"). Each subroutine is walked once for itself, with heights
// of the stack counted from its entry, and sums up as an effect for its callers: `net`, what it adds to the
// height (null if it does not return); `need`, how many values it takes from below; `peak`, the greatest
// height that it reaches. Effects of recursive subroutines are found by walking again until nothing changes.

const REASONS = [
  "bad_index",
  "bad_jump",
  "falls_off_end",
  "stack_underflow",
  "stack_overflow",
  "stack_mismatch",
  "return_without_call",
];
const MAIN = -1; // the entry of the program itself, which starts at offset 0 without a call
const UNKNOWN = { net: null, need: 0, peak: 0 };

/** The faults as { at, reason }, in order. `program` maps offsets to instructions. */
function verify(machine, program) {
  const faults = new Faults();
  if (program.size === 0) faults.add(0, "falls_off_end");
  for (const { at, index, target } of program.values()) {
    if (index !== undefined && index >= machine.locals) faults.add(at, "bad_index");
    if (target !== undefined && !program.has(target)) faults.add(at, "bad_jump");
  }
  if (program.size) for (const walk of new Subroutines(machine, program).solve().values()) faults.addAll(walk.faults);
  return faults.sorted();
}

/** A set of faults: each is there once. */
class Faults {
  constructor() {
    this.found = new Map();
  }

  add(at, reason) {
    this.found.set(`${at} ${reason}`, { at, reason });
  }

  addAll(faults) {
    for (const [key, fault] of faults.found) this.found.set(key, fault);
  }

  sorted() {
    return [...this.found.values()].sort(
      (a, b) => a.at - b.at || REASONS.indexOf(a.reason) - REASONS.indexOf(b.reason),
    );
  }
}

class Subroutines {
  constructor(machine, program) {
    Object.assign(this, { machine, program, effects: new Map(), endless: new Set() });
  }

  /** The walks through the program and all its subroutines, by entry. */
  solve() {
    for (;;) {
      this.effects = new Map();
      const { walks, growing } = this.settle();
      const call = firstCallInACircle(walks, growing);
      if (call === Infinity) return walks;
      this.endless.add(call); // a recursive call that would need more with every level
    }
  }

  /** Walks until the effects stay the same; also finds the subroutines whose need never does. */
  settle() {
    let patience = 0;
    for (;;) {
      const walks = this.walkAll();
      const entries = [...walks.keys()].filter((entry) => entry !== MAIN);
      const differs = (key) => (e) => walks.get(e).effect[key] !== this.effects.get(e)?.[key];
      const needs = entries.filter(differs("need"));
      const peaks = entries.filter(differs("peak"));
      // With the nets known, a change passes from callee to callers and is over after as many
      // rounds as there are subroutines, unless it goes round in a circle.
      if (entries.some(differs("net"))) patience = entries.length + 1;
      else if (needs.length + peaks.length === 0) return { walks, growing: new Set() };
      else patience--;
      for (const entry of entries) this.effects.set(entry, walks.get(entry).effect);
      if (patience >= 0) continue;
      if (needs.length) return { walks, growing: new Set(needs) };
      for (const entry of peaks) this.effects.get(entry).peak = Infinity;
    }
  }

  walkAll() {
    const walks = new Map();
    const entries = [MAIN];
    while (entries.length) {
      const entry = entries.pop();
      if (walks.has(entry)) continue;
      walks.set(entry, this.walk(entry));
      entries.push(...walks.get(entry).calls.values());
    }
    return walks;
  }

  effectOf({ form, target }) {
    if (form.role === "call") return this.effects.get(target) ?? UNKNOWN;
    const change = form.leaves - form.takes;
    return { net: change, need: form.takes, peak: change };
  }

  walk(entry) {
    const start = entry === MAIN ? 0 : entry;
    const heights = new Map([[start, 0]]);
    const waiting = [start];
    const returns = [];
    const calls = new Map();
    const faults = new Faults();
    let [need, peak] = [0, 0];
    while (waiting.length) {
      // The lowest offset comes first.
      const at = waiting.splice(waiting.indexOf(Math.min(...waiting)), 1)[0];
      const height = heights.get(at);
      const instruction = this.program.get(at);
      const { role } = instruction.form;
      if (role === "call" && this.program.has(instruction.target)) calls.set(at, instruction.target);
      const effect = this.effectOf(instruction);
      if (this.endless.has(at) || (entry === MAIN && effect.need > height)) {
        faults.add(at, "stack_underflow");
        continue;
      }
      const top = height + effect.peak;
      if (top > this.machine.stackLimit && top < Infinity) {
        faults.add(at, "stack_overflow");
        continue;
      }
      need = Math.max(need, effect.need - height);
      peak = Math.max(peak, top);
      if (role === "return") returns.push({ at, height });
      if (role === "return" || role === "halt" || effect.net === null) continue;
      for (const next of this.followers(instruction, faults)) {
        if (!heights.has(next)) {
          heights.set(next, height + effect.net);
          waiting.push(next);
        } else if (heights.get(next) !== height + effect.net) faults.add(next, "stack_mismatch");
      }
    }
    // A need without a bound is the fault of the recursive call and not of the callers.
    if ([...calls.keys()].some((at) => this.endless.has(at))) need = 0;
    return { effect: { net: this.net(entry, returns, faults), need, peak }, faults, calls };
  }

  /** The offsets where execution can go on, in the same subroutine. */
  followers({ form, at, next, target }, faults) {
    const following = [];
    if ((form.role === "jump" || form.role === "branch") && this.program.has(target)) following.push(target);
    if (form.role === "jump") return following;
    if (this.program.has(next)) following.push(next);
    else faults.add(at, "falls_off_end");
    return following;
  }

  /** The height at the returns; the one found first stays. */
  net(entry, returns, faults) {
    if (entry === MAIN) {
      for (const { at } of returns) faults.add(at, "return_without_call");
      return null;
    }
    returns.sort((a, b) => a.at - b.at);
    const first = returns.length ? returns[0].height : null;
    for (const { at, height } of returns) if (height !== first) faults.add(at, "stack_mismatch");
    return this.effects.get(entry)?.net ?? first;
  }
}

/** Of the calls by which growing subroutines come back to themselves, the least offset. */
function firstCallInACircle(walks, growing) {
  const reach = new Map([...growing].map((entry) => [entry, reachable(walks, entry)]));
  let first = Infinity;
  for (const [entry, found] of reach) {
    // Not one that grows only because of a circle that it calls.
    if ([...found].some((other) => growing.has(other) && !reach.get(other).has(entry))) continue;
    for (const [at, callee] of walks.get(entry).calls) {
      if (reach.get(callee)?.has(entry)) first = Math.min(first, at);
    }
  }
  return first;
}

/** The subroutines that a subroutine can call, directly or through others. */
function reachable(walks, entry) {
  const found = new Set();
  const waiting = [entry];
  while (waiting.length) {
    for (const callee of walks.get(waiting.pop()).calls.values()) {
      if (found.has(callee)) continue;
      found.add(callee);
      waiting.push(callee);
    }
  }
  return found;
}

module.exports = { verify };
