//! The sample report in every format, held against files under `tests/golden`. `UPDATE_GOLDEN=1 cargo test golden` writes
//! them anew; read the difference before it is committed.

use std::path::PathBuf;

use clap::ValueEnum;

use super::{Format, Options, Report, render, sample};

fn options(width: usize, details: bool) -> Options {
    Options {
        width: Some(width),
        details,
        notes: vec!["audit.toml was used; it hid 1 finding.".to_owned()],
        now: Some(crate::inventory::Time::parse("2026-03-01T12:00:00Z").unwrap()),
        ..Options::default()
    }
}

fn hold(name: &str, report: &Report, format: Format, options: &Options) {
    let bytes = render(report, format, options);
    assert_eq!(bytes, render(report, format, options), "{name}: two runs differ");
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &bytes).unwrap();
    }
    let held = std::fs::read(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    assert!(held == bytes, "{name} differs; UPDATE_GOLDEN=1 shows how:\n{}", String::from_utf8_lossy(&bytes));
}

const fn extension(format: Format) -> &'static str {
    match format {
        Format::Table => "txt",
        Format::Json => "json",
        Format::Sarif => "sarif",
        Format::Html => "html",
        Format::Markdown => "md",
        Format::Junit => "xml",
        Format::Github => "github.txt",
        Format::Ocsf => "ocsf.json",
        Format::Asff => "asff.json",
        Format::Csv => "csv",
        Format::Fix => "sh",
    }
}

#[test]
fn every_format_of_the_sample_is_as_held() {
    for format in Format::value_variants() {
        hold(&format!("sample.{}", extension(*format)), &sample::report(), *format, &options(100, false));
        hold(&format!("hostile.{}", extension(*format)), &sample::hostile(), *format, &options(100, false));
        hold(&format!("passing.{}", extension(*format)), &sample::passing(), *format, &options(100, false));
    }
}

#[test]
fn the_table_is_as_held_at_each_width() {
    hold("sample-80.txt", &sample::report(), Format::Table, &options(80, false));
    hold("sample-140.txt", &sample::report(), Format::Table, &options(140, false));
    hold("sample-details.txt", &sample::report(), Format::Table, &options(100, true));
    hold("large-100.txt", &sample::large(10_000), Format::Table, &options(100, false));
}
