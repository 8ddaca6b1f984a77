//! Bytes that are no module: each fault with its offset, and hostile bytes.

use bytestone_spec::isa::Union;
use bytestone_vm::codec::{Codec, DecodeError};
use bytestone_vm::module::Module;
use bytestone_vm::{Phase, Reason, limits};

use super::{NARROW, example_bytes, rejection};
use crate::machines::{built_in, load};

/// The example with other bytes at an offset.
fn with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut example = example_bytes();
    example[at..at + bytes.len()].copy_from_slice(bytes);
    example
}

/// The example with bytes in the place of others.
fn with_instead(range: std::ops::Range<usize>, bytes: &[u8]) -> Vec<u8> {
    let mut example = example_bytes();
    example.splice(range, bytes.iter().copied());
    example
}

#[track_caller]
fn assert_rejected(bytes: &[u8], reason: Reason, at: u32, detail: &str) {
    let rejection = rejection(&built_in("script"), bytes);
    let fault = &rejection.faults[0];
    assert_eq!((fault.reason, fault.at, &*fault.detail), (reason, at, detail));
    assert_eq!(rejection.faults.len() + rejection.omitted, 1);
    assert_eq!(rejection.phase(), Phase::Decode);
}

#[test]
fn the_header_is_held_to_the_format() {
    let mark = "not a Bytestone module: it does not start with the bytes 42 59 54 53";
    assert_rejected(&with(0, b"b"), Reason::NotAModule, 0, mark);
    assert_rejected(&with(3, b"\0"), Reason::NotAModule, 0, mark);
    assert_rejected(b"\x7f", Reason::NotAModule, 0, mark);
    assert_rejected(&with(4, &[7]), Reason::BadVersion, 4, "version 7, this reads 1");
    let found = "the module is for the machine serips@1, not for script@1";
    assert_rejected(&with(6, b"serips"), Reason::WrongMachine, 6, found);
    let found = "the module is for the machine script@258, not for script@1";
    assert_rejected(&with(12, &[2, 1]), Reason::WrongMachine, 6, found);
    let name = "the name of the machine must be a lower-case letter, then lower-case letters, digits and `-`";
    for wrong in [&b"Script"[..], b"scr pt", b"1cript", b"scr\xffpt"] {
        assert_rejected(&with(6, wrong), Reason::BadModule, 6, name);
    }
    assert_rejected(&with_instead(5..12, &[0]), Reason::BadModule, 6, name);
}

#[test]
fn constants_are_held_to_the_format_and_to_the_machine() {
    assert_rejected(&with(20, &[6]), Reason::BadModule, 20, "6 is no tag of a constant");
    assert_rejected(
        &with(21, &(Union::NAN | 1).to_le_bytes()),
        Reason::BadModule,
        21,
        "a NaN must have the bits 0x7ff8000000000000, not 0x7ff8000000000001",
    );
    assert_rejected(&with(35, &[0xff]), Reason::BadModule, 35, "a string is not UTF-8");
    let integer = "the integer 4615063718147915776 is no value of this machine";
    assert_rejected(&with(20, &[3]), Reason::BadModule, 20, integer);
    let many = "65537 constants, more than the 65536 that are taken";
    assert_rejected(&with(16, &[1, 0, 1, 0]), Reason::BadModule, 16, many);

    let narrow = load(NARROW);
    for (constant, taken) in [
        (&[0][..], Ok(())),
        (&[1], Err("a truth value is no value of this machine")),
        (&[3, 0xff, 0x7f, 0, 0, 0, 0, 0, 0], Ok(())),
        (&[3, 0, 0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], Ok(())),
        (&[3, 0, 0x80, 0, 0, 0, 0, 0, 0], Err("the integer 32768 is no value of this machine")),
        (&[4, 0, 0, 0, 0, 0, 0, 0, 0], Err("a float is no value of this machine")),
        (&[5, 0, 0, 0, 0], Ok(())),
    ] {
        let mut bytes = b"BYTS\x01\x06narrow\x07\0\0\0\x01\0\0\0".to_vec();
        bytes.extend(constant);
        bytes.extend([1, 0, 0, 0]);
        bytes.extend([0; 32]);
        assert!(Module::read(&bytes).is_ok());
        let found = Module::read_for(&narrow, &bytes).map(|_| ());
        let found = found.map_err(|error| (error.at, error.kind.to_string()));
        assert_eq!(found, taken.map_err(|detail| (20, detail.to_owned())));
    }
}

#[test]
fn functions_are_held_to_the_format_and_to_the_machine() {
    assert_rejected(
        &with(47, &[0xc3]),
        Reason::BadModule,
        47,
        "the name of a function is not UTF-8",
    );
    let start = "the first function takes no arguments and captures nothing";
    assert_rejected(&with(49, &[1]), Reason::BadModule, 49, start);
    assert_rejected(
        &with_instead(61..65, &[1, 0, 0, 0, 0, 0, 0, 0, 0]),
        Reason::BadModule,
        61,
        start,
    );
    let locals = "0 local variables do not hold 1 arguments";
    assert_rejected(&with(112, &[0]), Reason::BadModule, 112, locals);
    let many = "65537 local variables, more than the 65536 that are taken";
    assert_rejected(&with(112, &[1, 0, 1, 0]), Reason::BadModule, 112, many);
    let many = "65537 cells of a stack, more than the 65536 that are taken";
    assert_rejected(&with(116, &[1, 0, 1, 0]), Reason::BadModule, 116, many);
    let many = "4294967295 captured variables, more than the 65536 that are taken";
    assert_rejected(&with(120, &[255; 4]), Reason::BadModule, 120, many);
    assert_rejected(&with(124, &[2]), Reason::BadModule, 124, "2 is no tag of a captured variable");
    let order = "the offset 0 does not lie behind that of the entry before it, 0";
    assert_rejected(&with(81, &[0]), Reason::BadModule, 81, order);
    let outside = "the offset 27 lies outside of the function's code, which has 27 bytes";
    assert_rejected(&with(81, &[27]), Reason::BadModule, 81, outside);
    assert_rejected(&with(85, &[0]), Reason::BadModule, 85, "lines are counted from 1");
    let inside = "no instruction starts at the offset 11 of the function";
    assert_rejected(&with(81, &[11]), Reason::BadModule, 81, inside);
    let names = "2 names of 1 local variables; either all have one or none has";
    assert_rejected(&with(89, &[2]), Reason::BadModule, 89, names);
    assert_rejected(
        &with(97, &[0xff]),
        Reason::BadModule,
        97,
        "the name of a local variable is not UTF-8",
    );
    assert_rejected(&with(37, &[0]), Reason::BadModule, 37, "a module has at least one function");
    let many = "65537 functions, more than the 65536 that are taken";
    assert_rejected(&with(37, &[1, 0, 1, 0]), Reason::BadModule, 37, many);

    // The machine has no captured variables.
    let mut bytes = b"BYTS\x01\x06narrow\x07\0\0\0\0\0\0\0\x02\0\0\0".to_vec();
    bytes.extend([0; 32]);
    bytes.extend([0; 16]);
    bytes.extend([1, 0, 0, 0, 0, 9, 0, 0, 0]);
    bytes.extend([0; 12]);
    assert!(Module::read(&bytes).is_ok());
    let error = Module::read_for(&load(NARROW), &bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "at offset 72: 1 captured variables, more than the 0 that are taken"
    );
}

#[test]
fn code_is_held_to_the_machine_function_by_function() {
    let mut longer = example_bytes();
    longer.extend([1, 2, 3]);
    assert_rejected(&longer, Reason::BadModule, 180, "3 bytes behind the code");
    let cut = "the code of a function takes 4294967295 bytes and 12 are left";
    assert_rejected(&with(129, &[255; 4]), Reason::Truncated, 168, cut);
    // Faults of the code have offsets of the code, and those of all functions are found.
    let mut wrong = with(151, &[0x77]);
    wrong[178] = 0x99;
    let found = rejection(&built_in("script"), &wrong).faults;
    let found: Vec<_> = found.iter().map(|fault| (fault.reason, fault.at)).collect();
    assert_eq!(found, [(Reason::UnknownOpcode, 10), (Reason::UnknownOpcode, 37)]);
    // One byte of the first function moved to the second: an instruction would go on there.
    let mut moved = with(65, &[0x16]);
    moved[129] = 0x11;
    let found = rejection(&built_in("script"), &moved);
    assert_eq!(
        found.to_string(),
        "truncated at offset 21: CALL takes 5 bytes and 1 is left (1 fault in all)"
    );
}

#[test]
fn a_module_cut_short_is_cut_short_at_the_field_that_is() {
    let script = built_in("script");
    let bytes = example_bytes();
    let fields: &[u32] = &[
        0, 4, 5, 6, 12, 16, 20, 21, 29, 30, 34, 37, 41, 45, 49, 53, 57, 61, 65, 69, 73, 77, 81, 85,
        89, 93, 97, 101, 105, 108, 112, 116, 120, 124, 125, 129, 133, 137, 141, 168,
    ];
    for end in 0..bytes.len() {
        let error = Module::read(&bytes[..end]).unwrap_err();
        let field = fields[fields.partition_point(|&field| field as usize <= end) - 1];
        assert_eq!((error.reason(), error.at), (Reason::Truncated, field), "{end}: {error}");
        assert!(error.to_string().starts_with(&format!("truncated at offset {field}: ")));
        let fault = &rejection(&script, &bytes[..end]).faults[0];
        assert_eq!(fault, &error.fault());
    }
}

#[test]
fn hostile_bytes_are_read_without_harm() {
    let script = built_in("script");
    let codec = Codec::new(&script);
    let examine = |bytes: &[u8]| {
        if let Ok(module) = Module::read(bytes) {
            assert_eq!(module.write().unwrap(), bytes);
        }
        if let Ok(program) = codec.decode(bytes) {
            assert_eq!(program.bytes(), bytes);
        }
    };
    let example = example_bytes();
    for at in 0..example.len() {
        for value in 0..=255 {
            examine(&with(at, &[value]));
        }
        let end = (at + 4).min(example.len());
        for number in [u32::MAX, 1 << 31, i32::MAX as u32, 1 << 16, 1 << 24] {
            examine(&with_instead(at..end, &number.to_le_bytes()));
            examine(&[&example[..at], &number.to_le_bytes()].concat());
        }
    }
    let long = vec![0; limits::CODE_BYTES + 1];
    assert!(matches!(codec.decode(&long), Err(DecodeError::TooLong(_))));
    assert!(Module::read(&long).is_err());
}
