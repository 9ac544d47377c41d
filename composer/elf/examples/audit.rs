//! Audits the files named on the command line and prints their findings; for work on the scan itself.

fn main() {
    let begin = std::time::Instant::now();
    let (mut files, mut bytes) = (0, 0);
    let mut worst = Vec::new();
    for path in std::env::args().skip(1) {
        let Ok(content) = std::fs::read(&path) else {
            continue;
        };
        let one = std::time::Instant::now();
        let options = xsc_elf::Options {
            require: xsc_elf::Require::Nothing,
            ..xsc_elf::Options::default()
        };
        let report = xsc_elf::audit_with(&content, &options);
        worst.push((one.elapsed(), path.clone()));
        files += 1;
        bytes += report.code_bytes;
        for finding in &report.findings {
            let place = finding.place.as_ref().map(ToString::to_string);
            println!(
                "{path}: {} {} {} x{}",
                finding.rule.id(),
                finding.message,
                place.unwrap_or_default(),
                finding.count
            );
        }
    }
    worst.sort();
    println!(
        "{files} files, {bytes} bytes of code, {:?}",
        begin.elapsed()
    );
    for (time, path) in worst.iter().rev().take(5) {
        println!("{time:?} {path}");
    }
}
