"use strict";
// Decodes the code of a module's functions. An instruction is an opcode of one byte and one operand at most, which all
// have one width on a machine, most significant byte first.

/** The instructions by offset, and the faults, of which there is one at most in a function. */
function decode(machine, module) {
  const program = new Map();
  const faults = [];
  for (const owner of module.functions) {
    for (let at = owner.start, next; at < owner.end; at = next) {
      const form = machine.forms[module.code[at]];
      next = at + 1 + (form?.operand ? machine.operandBytes : 0);
      if (!form || next > owner.end) {
        faults.push({ at, reason: form ? "truncated" : "unknown_opcode" });
        break;
      }
      const instruction = { form, owner, at, next, raw: 0 };
      if (form.operand) instruction.raw = machine.readOperand(module.code.subarray(at + 1, next));
      program.set(at, { ...instruction, ...machine.meaning(instruction, module) });
    }
  }
  return { program, faults };
}

/** What an operand names. A jump has a target, and a constant or function is what it is. */
function meaning({ form, next, raw }, module) {
  switch (form.operand) {
    case "ahead":
      return { target: next + raw };
    case "back":
      return { target: next - raw };
    case "const":
    case "name":
      return { operand: module.constants[raw] };
    case "func":
      return { operand: module.functions[raw] };
    default:
      return { operand: raw };
  }
}

/** A line that begins where no instruction does, as an offset in the file. */
function strayLine(module, program) {
  for (const { lines, start } of module.functions) {
    const stray = lines.find(({ offset }) => !program.has(start + offset));
    if (stray) return stray.at;
  }
}

module.exports = { decode, meaning, strayLine };
