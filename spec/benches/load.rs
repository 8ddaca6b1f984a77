//! How long it takes to load and check the built-in specs.

use bytestone_spec::builtin;

fn main() {
    divan::main();
}

#[divan::bench(args = builtin::names())]
fn load(name: &str) -> usize {
    match builtin::load_builtin(name) {
        Some(Ok(isa)) => isa.instructions().len(),
        Some(Err(faulty)) => panic!("{faulty}"),
        None => 0,
    }
}

#[divan::bench]
fn schema() -> usize {
    bytestone_spec::load::schema().as_object().map_or(0, serde_json::Map::len)
}
