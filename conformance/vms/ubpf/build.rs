//! Builds the one function that ubpf wants in C.

fn main() {
    println!("cargo:rerun-if-changed=src/say.c");
    cc::Build::new().file("src/say.c").compile("say");
}
