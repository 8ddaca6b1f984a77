//! The built-in specs.

use bytestone_spec::builtin;

#[test]
fn every_built_in_spec_is_sound() {
    assert!(builtin::names().len() >= 6);
    for name in builtin::names() {
        match builtin::load_builtin(name) {
            Some(Ok(isa)) => assert_eq!(isa.name(), name),
            Some(Err(faulty)) => panic!("{faulty}"),
            None => panic!("{name} is listed but not there"),
        }
    }
}
