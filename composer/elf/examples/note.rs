//! Adds the base note to the file of the first argument and writes the second; for work on the rewriter.

fn main() {
    let mut args = std::env::args().skip(1);
    let (from, to) = (args.next().expect("a file"), args.next().expect("a target"));
    let bytes = std::fs::read(&from).expect("a file that can be read");
    match xsc_elf::add_note(&bytes, xsc_elf::NoteKind::Base) {
        Ok(new) => std::fs::write(to, new).expect("a target that can be written"),
        Err(error) => println!("{from}: {error}"),
    }
}
