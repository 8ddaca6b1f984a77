//! Fuzzing of engines that crash and hang: time, and what is said of programs that were not run.

use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::tools::{self, bytestone};

/// An engine that introduces itself and then does `what` with every program.
fn engine(folder: &Path, what: &str) -> String {
    tools::need("python3");
    let kit = concat!(env!("CARGO_MANIFEST_DIR"), "/vms/python");
    let text = format!(
        "import os, sys, time\nsys.path.insert(0, {kit:?})\nimport bytestone\n\n\n\
         def run(request, recorder):\n    {what}\n\n\n\
         bytestone.serve(bytestone.Engine('bad', '1', 'calculator@1', run, phases='run'))\n"
    );
    std::fs::write(folder.join("engine.py"), text).expect("it is written");
    "python3 engine.py".to_owned()
}

fn fuzz(folder: &Path, vm: &str, more: &[&str]) -> (Output, Duration) {
    let arguments = ["fuzz", "--vm", vm, "--machine", "calculator", "--jobs", "2"];
    let begun = Instant::now();
    let run = bytestone(folder, &[&arguments[..], more].concat());
    (run, begun.elapsed())
}

#[test]
fn the_time_is_kept_with_engines_that_crash_and_hang() {
    let folder = tempfile::tempdir().expect("a folder");
    for what in ["os._exit(7)", "time.sleep(100)"] {
        let vm = engine(folder.path(), what);
        let (run, time) = fuzz(folder.path(), &vm, &["--seconds", "1", "--timeout", "1"]);
        assert_eq!(run.status.code(), Some(1), "{run:#?}");
        assert!(time < Duration::from_secs(12), "{what}: {time:?}");
        let text = String::from_utf8_lossy(&run.stdout).into_owned();
        assert!(text.contains(" not run, "), "{text}");
    }
}

#[test]
fn programs_that_were_not_run_are_counted_as_such() {
    let folder = tempfile::tempdir().expect("a folder");
    let vm = engine(folder.path(), "os._exit(7)");
    let limit = ["--max-restarts", "1", "--format", "json"];
    let (run, _) = fuzz(folder.path(), &vm, &limit);
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    let last: Json =
        serde_json::from_str(text.lines().last().expect("there is a line")).expect("it is JSON");
    let count = |key: &str| last[key].as_u64().expect("it is a number");
    // Two processes and one restart each, and nothing follows when both are given up.
    assert!((1..=4).contains(&count("differing")), "{last:#}");
    assert!(count("programs") <= 256 && count("not_run") > 0, "{last:#}");
    assert!(count("differing") + count("not_run") + count("unsupported") >= 64, "{last:#}");
}
