//! Instruction sets as JSON, held to a golden document. `BLESS=1` writes it anew.

use std::fs;
use std::path::Path;

use bytestone_spec::json::to_json;
use bytestone_spec::{builtin, load_builtin};

#[test]
fn the_stack_machine_is_written_as_before() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/stack.json");
    let isa = load_builtin("stack").unwrap().unwrap();
    let found = format!("{:#}\n", to_json(&isa));
    if std::env::var_os("BLESS").is_some_and(|value| value == "1") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    assert!(expected == found, "{} differs; BLESS=1 writes it anew", path.display());
}

#[test]
fn every_machine_can_be_written() {
    for name in builtin::names() {
        let isa = load_builtin(name).unwrap().unwrap();
        let json = to_json(&isa);
        assert_eq!(json["bytestone"], "isa/1");
        assert_eq!(json["isa"], name);
        let instructions = json["instructions"].as_array().unwrap();
        assert_eq!(instructions.len(), isa.instructions().len());
        for insn in instructions {
            let ops = insn["body"]["ops"].as_array().unwrap();
            assert!(ops.iter().all(|op| op["op"].is_string()));
        }
    }
}
