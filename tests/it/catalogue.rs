//! The README says what the catalogue says.

use std::path::Path;

const BEGIN: &str = "<!-- rules: begin -->\n";
const END: &str = "<!-- rules: end -->";

/// The rule table of the README. `UPDATE_README=1` writes it.
#[test]
fn the_rule_table_of_the_readme_is_the_catalogue() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let mut table = String::from("\n| id | name | severity | what it finds |\n| --- | --- | --- | --- |\n");
    for rule in audit::rules::ALL {
        table += &format!("| {} | `{}` | {} | {} |\n", rule.id, rule.name, rule.severity.name(), rule.title);
    }
    table.push('\n');
    let (before, rest) = readme.split_once(BEGIN).expect("the README marks where the table begins");
    let (found, after) = rest.split_once(END).expect("the README marks where the table ends");
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert!(found == table, "the README's table of rules is not the catalogue's: run UPDATE_README=1 cargo test --test it catalogue");
}

#[test]
fn rules_are_one_a_file_with_id_name_and_words() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules");
    for rule in audit::rules::ALL {
        assert!(dir.join(format!("{}.rs", rule.id.to_lowercase())).is_file(), "{} has its file", rule.id);
        assert!(!rule.title.is_empty() && !rule.why.is_empty() && !rule.mend.is_empty(), "{}", rule.id);
        assert!(rule.sources.iter().all(|s| s.starts_with("https://")), "{}", rule.id);
    }
}
