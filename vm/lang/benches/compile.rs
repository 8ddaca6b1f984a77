//! How fast sources are compiled.

use bytestone_lang::{Passes, Source, calc, script};
use bytestone_spec::load_builtin;
use divan::counter::BytesCount;

fn main() {
    divan::main();
}

/// A source of about `bytes` bytes: functions, closures, loops and objects as people write them.
fn script_source(bytes: usize) -> Source {
    let part = |number: usize| {
        format!(
            "// Part {number}: a queue of jobs.
function make_queue_{number}(limit) {{
  let jobs = [];
  let total = 0;
  function add(job, cost) {{
    if (len(jobs) >= limit || !job) return false;
    jobs[len(jobs)] = {{name: job, cost: cost, \"done\": nil}};
    total = total + cost * 1.5;
    return true;
  }}
  return {{add: add, total: function () {{ return total; }}}};
}}

let queue_{number} = make_queue_{number}(10);
for (let i = 0; i < 20; i = i + 1) {{
  if (i % 3 == 0) continue;
  while (queue_{number}.total() < 100 && i > 2) queue_{number}.add(\"job \\u00e9\\n\", i);
}}
print [\"total\", queue_{number}.total(), -1 + 2 * 3];

"
        )
    };
    let mut text = String::new();
    for number in 0.. {
        if text.len() >= bytes {
            break;
        }
        text.push_str(&part(number));
    }
    Source::new(text).expect("it is within the limits")
}

fn calc_source(bytes: usize) -> Source {
    let part = "x = 10\ny = 3; z = x + y * (2 - -x) / 7\nprint z   # a comment\n";
    Source::new(part.repeat(bytes / part.len() + 1)).expect("it is within the limits")
}

const SIZES: [usize; 2] = [10 << 10, 1 << 20];

#[divan::bench(args = SIZES)]
fn parse_script(bencher: divan::Bencher, bytes: usize) {
    let source = script_source(bytes);
    let count = BytesCount::of_str(source.text());
    bencher.counter(count).bench(|| script::parse(&source).expect("it has no errors"));
}

#[divan::bench(args = SIZES)]
fn compile_script(bencher: divan::Bencher, bytes: usize) {
    let isa = load_builtin("script").expect("it is built in").expect("it has no faults");
    let source = script_source(bytes);
    let count = BytesCount::of_str(source.text());
    let compile = || script::compile(&source, &isa, Passes::NONE).expect("it has no errors");
    bencher.counter(count).bench(compile);
}

#[divan::bench(args = SIZES)]
fn compile_script_with_all_passes(bencher: divan::Bencher, bytes: usize) {
    let isa = load_builtin("script").expect("it is built in").expect("it has no faults");
    let source = script_source(bytes);
    let count = BytesCount::of_str(source.text());
    let compile = || script::compile(&source, &isa, Passes::ALL).expect("it has no errors");
    bencher.counter(count).bench(compile);
}

#[divan::bench(args = SIZES)]
fn compile_calculator(bencher: divan::Bencher, bytes: usize) {
    let isa = load_builtin("calculator").expect("it is built in").expect("it has no faults");
    let source = calc_source(bytes);
    let count = BytesCount::of_str(source.text());
    let compile = || calc::compile(&source, &isa, Passes::ALL).expect("it has no errors");
    bencher.counter(count).bench(compile);
}
