//! Modules: their bytes, and what is wrong with bytes that are none.

mod choose;
mod errors;
mod text;

use std::sync::LazyLock;

use bytestone_spec::Isa;
use bytestone_spec::isa::{ConstantRule, InsnId, Union};
use bytestone_vm::codec::{Codec, DecodeError};
use bytestone_vm::module::{
    Capture, Constant, Function, FunctionBuilder, Line, Module, ModuleBuilder, ModuleErrorKind,
};
use bytestone_vm::{Rejection, limits};

use crate::machines::{Choices, built_in, check, load};

pub use choose::choose_module;

/// Integers, constants from 1 on, and labels from each base, some of them of variable length.
pub const NARROW: &str = r#"
bytestone: spec/1
isa: narrow
version: 7.0.0
title: Functions with small numbers
types:
  val: {none: unit, other: unit, int: i16, text: str, fn: closure}
machine:
  stack: {of: val, depth: 16, per: frame}
  frame: {depth: 4, locals: val}
  heap: {cells: 64}
  output: val
code: {decode: sweep, end: reject}
container: module
operands:
  any: {raw: uleb32, is: const, first: 1}
  text: {raw: i8, is: const, of: text, first: 1}
  abs: {raw: u16, is: label, value: 2 * raw}
  here: {raw: sleb32, is: label, value: insn + raw}
  fn: {raw: u8, is: func}
instructions:
  CONST: {enc: "0x01 k:any", stack: "-- v", do: v = k, doc: d}
  TEXT: {enc: "0x02 k:text", stack: "-- v", do: v = text(k), doc: d}
  JMP: {enc: "0x03 t:abs", stack: "--", do: goto t, doc: d}
  NEAR: {enc: "0x04 t:here", stack: "--", do: goto t, doc: d}
  FN: {enc: "0x05 f:fn", stack: "-- v", do: v = fn(closure(f)), doc: d}
  GET: {enc: "0x06 i:u8 as local", stack: "-- v", do: "v = local[i]", doc: d}
  TWO: {enc: "0x07 0x00", stack: "v -- v w", do: w = v, doc: d}
  RET: {enc: "0x08", stack: "v --", do: return v, doc: d}
  DROP: {enc: "0x09 n:u8", stack: "_xs:val[n] --", do: nop, doc: d}
  PRINT: {enc: "0x0A", stack: "v --", do: out v, doc: d}
"#;

/// The machines with modules.
pub fn codecs() -> &'static [Codec<'static>] {
    static ISAS: LazyLock<Vec<Isa>> = LazyLock::new(|| vec![built_in("script"), load(NARROW)]);
    static CODECS: LazyLock<Vec<Codec<'static>>> =
        LazyLock::new(|| ISAS.iter().map(Codec::new).collect());
    &CODECS
}

/// The bytes of the example in the documentation.
pub fn example_bytes() -> Vec<u8> {
    let page = include_str!("../../../docs/module.md");
    let example = page.split_once("```module\n").unwrap().1.split_once("```").unwrap().0;
    let lines = example.lines().filter_map(|line| Some(line.split_once(';')?.0));
    lines
        .flat_map(str::split_whitespace)
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect()
}

/// The module of the example, by hand.
fn example() -> Module {
    Module {
        isa: "script".to_owned(),
        major: 1,
        constants: vec![Constant::Float(0x400c_0000_0000_0000), Constant::Str("sum".into())],
        functions: vec![
            Function {
                name: "main".to_owned(),
                arity: 0,
                locals: 1,
                max_stack: 2,
                captures: vec![],
                start: 0,
                len: 27,
                lines: vec![Line { offset: 0, line: 1 }, Line { offset: 10, line: 2 }],
                local_names: vec!["base".into()],
            },
            Function {
                name: "add".to_owned(),
                arity: 1,
                locals: 1,
                max_stack: 2,
                captures: vec![Capture::Local(0)],
                start: 27,
                len: 12,
                lines: vec![],
                local_names: vec![],
            },
        ],
        code: vec![
            0x00, 0, 0, 0, 0, 0x11, 0, 0, 0, 0, 0x26, 0, 0, 0, 1, 0x00, 0, 0, 0, 1, 0x28, 0x17, 0,
            0, 0, 1, 0x18, 0x10, 0, 0, 0, 0, 0x23, 0, 0, 0, 0, 0x02, 0x18,
        ],
    }
}

fn rejection(isa: &Isa, bytes: &[u8]) -> Rejection {
    match Codec::new(isa).decode(bytes) {
        Err(DecodeError::Rejected(rejection)) => rejection,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_example_of_the_documentation_is_read() {
    let bytes = example_bytes();
    let module = Module::read(&bytes).unwrap();
    assert_eq!(module, example());
    assert_eq!(example().write().unwrap(), bytes);

    let script = built_in("script");
    let program = Codec::new(&script).decode(&bytes).unwrap();
    assert_eq!(program.module(), Some(&module));
    assert_eq!(program.bytes(), bytes);
    assert_eq!(program.code(), module.code);
    let offsets: Vec<_> = program.insns().iter().map(|insn| insn.offset).collect();
    assert_eq!(offsets, [0, 5, 10, 15, 20, 21, 26, 27, 32, 37, 38]);
    let functions: Vec<_> = (0..12).map(|at| program.function_at(at)).collect();
    assert_eq!(functions[..7], [Some(0); 7]);
    assert_eq!(functions[7..], [Some(1), Some(1), Some(1), Some(1), None]);
    assert_eq!(program.insns_of(0), Some(0..7));
    assert_eq!(program.insns_of(1), Some(7..11));
    assert_eq!(program.insns_of(2), None);
    assert_eq!(program.function_of(26), Some(0));
    assert_eq!(program.function_of(38), Some(1));
    assert_eq!(program.function_of(39), None);
    assert_eq!(module.functions[0].line_at(9), Some(1));
    assert_eq!(module.functions[0].line_at(26), Some(2));
    assert_eq!(module.functions[1].line_at(0), None);
}

#[test]
fn a_program_without_functions_has_no_module() {
    let stack = built_in("stack");
    let program = Codec::new(&stack).decode(&[0x0f]).unwrap();
    assert_eq!(program.module(), None);
    assert_eq!((program.bytes(), program.code()), (&[0x0f][..], &[0x0f][..]));
    assert_eq!((program.function_of(0), program.function_at(0)), (None, None));
    assert_eq!(program.insns_of(0), None);
}

#[test]
fn a_builder_makes_the_example() {
    let mut module = ModuleBuilder::for_isa(&built_in("script"));
    let mut main = FunctionBuilder::new("main");
    (main.locals, main.max_stack) = (1, 2);
    main.local_names = vec!["base".into()];
    main.line(9);
    main.line(1);
    assert_eq!(module.constant(Constant::float(3.5)), 0);
    main.code.extend(&example().code[..10]);
    main.line(2);
    assert_eq!(module.constant(Constant::Str("sum".into())), 1);
    assert_eq!(module.constant(Constant::float(3.5)), 0);
    main.code.extend(&example().code[10..20]);
    main.line(2);
    main.code.extend(&example().code[20..27]);
    main.line(3);
    assert_eq!(module.function(main), 0);
    let mut add = FunctionBuilder::new("add");
    (add.arity, add.locals, add.max_stack) = (1, 1, 2);
    add.captures = vec![Capture::Local(0)];
    add.code.extend(&example().code[27..]);
    assert_eq!(module.function(add), 1);
    assert_eq!(module.constants().len(), 2);
    assert_eq!(module.finish().unwrap(), example());

    assert_eq!(
        ModuleBuilder::new("script", 1).finish().unwrap_err().kind,
        ModuleErrorKind::NoFunctions
    );
    let mut module = ModuleBuilder::new("script", 1);
    assert_eq!(module.constant(Constant::Unit), 0);
    assert_eq!(module.entry(Constant::Unit), 1);
    assert_eq!(module.constant(Constant::Unit), 0);
    module.function(FunctionBuilder::new("main"));
    let mut with_arguments = FunctionBuilder::new("");
    with_arguments.arity = 1;
    module.function(with_arguments);
    let error = module.finish().unwrap_err();
    assert_eq!(error.kind, ModuleErrorKind::Locals { arity: 1, locals: 0 });
}

#[test]
fn what_is_no_module_is_not_written() {
    let kind = |edit: fn(&mut Module)| {
        let mut module = example();
        edit(&mut module);
        module.write().unwrap_err().kind
    };
    use ModuleErrorKind::{IsaName, Nan, Ranges, TooLong};
    assert_eq!(kind(|module| module.functions[1].start = 26), Ranges { function: 1 });
    assert_eq!(kind(|module| module.functions[0].start = 1), Ranges { function: 0 });
    assert_eq!(kind(|module| module.functions[1].len = u32::MAX), Ranges { function: 2 });
    assert_eq!(kind(|module| module.code.push(0)), Ranges { function: 2 });
    assert_eq!(kind(|module| module.isa.clear()), IsaName);
    assert!(matches!(kind(|module| module.isa = "a".repeat(256)), TooLong { .. }));
    assert!(matches!(
        kind(|module| module.constants[1] = Constant::Str("x".repeat(limits::CODE_BYTES).into())),
        TooLong { .. }
    ));
    let bits = f64::NAN.to_bits() | 1;
    assert_eq!(
        kind(|module| module.constants[0] = Constant::Float(Union::NAN | 1)),
        Nan { found: bits }
    );
    assert_eq!(Constant::float(f64::from_bits(bits)), Constant::Float(Union::NAN));
}

#[test]
fn labels_count_from_the_code_of_their_function() {
    let narrow = load(NARROW);
    let codec = Codec::new(&narrow);
    let mut module = ModuleBuilder::for_isa(&narrow);
    for name in ["one", "two"] {
        let mut function = FunctionBuilder::new(name);
        for (mnemonic, operand) in [("JMP", 1), ("NEAR", 2)] {
            let id = codec.mnemonic(mnemonic).unwrap();
            codec.encode(id, &[operand], &mut function.code).unwrap();
        }
        module.function(function);
    }
    let program = codec.decode(&module.finish().unwrap().write().unwrap()).unwrap();
    let targets: Vec<_> = (0..4).map(|at| program.target(&narrow, at, 0)).collect();
    assert_eq!(targets, [Some(2), Some(5), Some(7), Some(10)]);
}

#[test]
fn constants_are_numbered_as_the_machine_says() {
    let module = example();
    for (first, raw, found) in [(0, 0, Some(0)), (0, 1, Some(1)), (1, 1, Some(0)), (1, 2, Some(1))]
    {
        let rule = ConstantRule { of: None, first };
        let constant = found.map(|at: usize| &module.constants[at]);
        assert_eq!(module.constant(rule, raw), constant, "{first} {raw}");
    }
    for (first, raw) in [(0, 2), (0, -1), (1, 0), (1, 3), (0, i128::MAX), (1, i128::from(i64::MIN))]
    {
        assert_eq!(module.constant(ConstantRule { of: None, first }, raw), None, "{first} {raw}");
    }
}

#[test]
fn functions_without_code_belong_to_no_offset() {
    let mut module = ModuleBuilder::new("script", 1);
    for code in [&[][..], &[0x18], &[], &[], &[0x18, 0x18], &[]] {
        let mut function = FunctionBuilder::new("");
        function.code.extend(code);
        module.function(function);
    }
    let bytes = module.finish().unwrap().write().unwrap();
    let program = Codec::new(&built_in("script")).decode(&bytes).unwrap();
    let functions: Vec<_> = (0..5).map(|offset| program.function_of(offset)).collect();
    assert_eq!(functions, [Some(1), Some(4), Some(4), None, None]);
    let insns: Vec<_> = (0..6).map(|function| program.insns_of(function).unwrap()).collect();
    assert_eq!(insns, [0..0, 0..1, 1..1, 1..1, 1..3, 3..3]);
    assert_eq!(program.insns()[0].id, InsnId(24));
}

#[test]
fn modules_come_back_from_their_bytes() {
    check(300, |choices: Choices| {
        for codec in codecs() {
            let module = choose_module(codec, &mut choices.0.iter().copied());
            let bytes = module.write().unwrap();
            assert_eq!(Module::read(&bytes).unwrap(), module);
            let program = codec.decode(&bytes).unwrap();
            assert_eq!((program.module(), program.bytes()), (Some(&module), &*bytes));
        }
    });
}
