//! Runs the corpus, one test a file. `BLESS=1` rewrites expectations that are not golden.

use std::path::Path;

use bytestone::bless;
use bytestone::case::load::Machines;
use bytestone::corpus::read_file;
use bytestone::registry::Registry;
use bytestone::report::failure::failure_text;
use bytestone::runner::run_case;
use bytestone::verdict::Verdict;
use bytestone_vm::codec::Codec;

datatest_stable::harness! {
    { test = case_file, root = "corpus", pattern = r"^[^/]+/[^/]+\.yaml$" },
}

fn case_file(path: &Path) -> datatest_stable::Result<()> {
    let machines = Registry::built_in()?;
    let file = read_file(path, &machines)?;
    let isa = machines.machine(&file.content.machine).ok_or("the machine is gone")?;
    if std::env::var_os("BLESS").is_some_and(|value| value == "1") {
        let blessed = bless::bless(&file.source, &file.content.cases, isa);
        if !blessed.changed.is_empty() {
            bless::check(&file.source, &blessed.text, &machines)?;
            std::fs::write(path, &blessed.text)?;
        }
        if !blessed.left.is_empty() {
            let lines: Vec<String> =
                blessed.left.iter().map(|(id, why)| format!("{id}: {why}")).collect();
            return Err(format!("not rewritten:\n{}", lines.join("\n")).into());
        }
        return Ok(());
    }
    let codec = Codec::new(isa);
    let mut failures = Vec::new();
    for case in &file.content.cases {
        if let Verdict::Fail(failure) = run_case(isa, &codec, case) {
            failures.push(failure_text(Some(isa), &file, case, &failure));
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n\n").into()) }
}
