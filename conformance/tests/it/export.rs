//! The corpus as others get it: files that run, and a document that keeps its promises.

use bytestone::case::Expect;
use bytestone::case::wanted::Wanted;
use bytestone::corpus::{self, Corpus};
use bytestone::execute::{Fate, Steps, execute};
use bytestone::export;
use bytestone::export::document::{EndEntry, Export};
use bytestone::registry::Registry;
use bytestone_vm::Value;
use bytestone_vm::asm::assemble;
use bytestone_vm::codec::Codec;

use crate::tools::bytestone;

fn built_in() -> (Registry, Corpus, Export) {
    let machines = Registry::built_in().expect("built-in machines are sound");
    let corpus = corpus::built_in(&machines).expect("the corpus is sound");
    let document = export::document(&corpus, &machines).expect("every case has a result");
    (machines, corpus, document)
}

#[test]
fn exported_files_run_green_and_are_not_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let written = bytestone(folder.path(), &["export", "-o", "cases"]);
    assert!(written.status.success(), "{written:?}");
    for file in ["cases/LICENSE", "cases/corpus.yaml", "cases/spec/stack.yaml"] {
        assert!(folder.path().join(file).is_file(), "{file}");
    }
    let spec = "cases/spec/stack.yaml";
    let run = bytestone(folder.path(), &["test", "--corpus", "cases", "--spec", spec]);
    assert!(run.status.success(), "{run:?}");
    let again = bytestone(folder.path(), &["export", "-o", "cases"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("not empty"), "{again:?}");
}

#[test]
fn the_document_is_what_its_schema_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let written = bytestone(folder.path(), &["export", "--format", "json", "-o", "corpus.json"]);
    assert!(written.status.success(), "{written:?}");
    let text = std::fs::read_to_string(folder.path().join("corpus.json")).expect("it is there");
    let document = serde_json::from_str(&text).expect("it is JSON");
    let schema = bytestone(folder.path(), &["schema", "export"]).stdout;
    let schema = serde_json::from_slice(&schema).expect("it is JSON");
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("export.json", schema).expect("a schema");
    let index = compiler.compile("export.json", &mut schemas).expect("a schema");
    if let Err(error) = schemas.validate(&document, index) {
        panic!("{error}");
    }
    // It notices a document that is wrong.
    let mut wrong = document;
    wrong["cases"][0]["golden"] = 1.into();
    assert!(schemas.validate(&wrong, index).is_err());
}

#[test]
fn the_document_holds_every_case_and_its_bytes() {
    let (machines, corpus, document) = built_in();
    assert_eq!(document.corpus.hash, corpus.hash());
    let mut entries = document.cases.iter();
    for isa in machines.machines() {
        assert!(document.machines.iter().any(|machine| machine.name == isa.name()));
    }
    for file in &corpus.files {
        let isa = bytestone::case::load::Machines::machine(&machines, &file.content.machine)
            .expect("it is there");
        let codec = Codec::new(isa);
        for case in &file.content.cases {
            let entry = entries.next().expect("there is an entry for each case");
            assert_eq!(entry.id, case.id);
            if let Some(text) = &entry.asm {
                let assembled = assemble(&codec, text).expect("it assembles").bytes;
                let digits: String = assembled.iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(entry.bytecode, digits, "{}", case.id);
            }
            // What is computed is what is expected, and what another way of running finds.
            assert_eq!(entry.computed.end, entry.expect.end, "{}", case.id);
            let rejects = matches!(case.expect, Expect::Rejects(_));
            assert_eq!(rejects, matches!(entry.computed.end, EndEntry::Reject { .. }));
            if let Fate::Ran(run) = execute(isa, &codec, case, Steps::Drop).fate {
                let computed = entry.computed.run.as_ref().expect("it was run");
                let output: Vec<Wanted> =
                    computed.output.iter().map(|value| value.0.clone()).collect();
                let stack: Vec<Wanted> =
                    computed.stack.iter().map(|value| value.0.clone()).collect();
                let exact = |values: Vec<Value>| -> Vec<Wanted> {
                    values.into_iter().map(Wanted::Exact).collect()
                };
                assert_eq!((output, stack), (exact(run.output), exact(run.stack)), "{}", case.id);
            }
        }
    }
    assert!(entries.next().is_none());
}

/// A hash that was worked out with another CRC-32 from the lines that the protocol describes.
#[test]
fn hashes_are_those_of_the_protocol() {
    let folder = tempfile::tempdir().expect("a folder");
    let machine = folder.path().join("calculator");
    std::fs::create_dir(&machine).expect("a folder");
    let manifest =
        "bytestone: corpus/1\nname: one\nversion: 1.0.0\nlicence: MIT\nmachines: [calculator]\n";
    std::fs::write(folder.path().join("corpus.yaml"), manifest).expect("it is written");
    let case = "bytestone: cases/1\nisa: calculator@1\ncases:\n- name: nothing\n  bytecode: '00'\n  outcome: halt\n";
    std::fs::write(machine.join("one.yaml"), case).expect("it is written");
    let machines = Registry::built_in().expect("built-in machines are sound");
    let corpus = corpus::read(folder.path(), &machines).expect("it is sound");
    let document = export::document(&corpus, &machines).expect("it has a result");
    let run = document.cases[0].computed.run.as_ref().expect("it was run");
    // CRC-32 of the light row `0 0 0` and the state row `S 0 0 0:  `, each with its line feed.
    assert_eq!((run.steps, run.hash.as_str()), (1, "ae8d6c0a"));
}
