//! The page as text; how it behaves is tried in a browser by `scripts/html-check.sh`.

use super::*;
use crate::report::{sample, text::is_treacherous};

fn page(report: &Report) -> String {
    String::from_utf8(render(report, &Options::default())).unwrap()
}

#[test]
fn the_policy_names_the_very_style_and_script_of_the_page() {
    let text = page(&sample::report());
    let between = |open: &str, close: &str| text.split_once(open).unwrap().1.split_once(close).unwrap().0.to_owned();
    let policy = between("Content-Security-Policy\" content=\"", "\"");
    assert!(policy.starts_with("default-src 'none'; "));
    assert!(policy.contains(&format!("style-src 'sha256-{}'", hash(&between("<style>", "</style>")))));
    assert!(policy.contains(&format!("script-src 'sha256-{}'", hash(&between("<script>", "</script>")))));
    assert!(!policy.contains("unsafe"));
    assert_eq!(hash("abc"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", "the known value of `abc`");
}

#[test]
fn nothing_is_loaded_and_no_handler_or_style_stands_in_an_attribute() {
    let text = page(&sample::hostile());
    for bad in [" src=", " style=", "<link", "<img", "<iframe", "@import", "url(", " onclick=", " onload=", "javascript:alert(1)\"", "http://"] {
        let found = text.split("<script type=").next().unwrap();
        assert!(!found.contains(bad), "{bad}");
    }
}

#[test]
fn text_of_the_account_is_text() {
    let text = page(&sample::hostile());
    assert_eq!(text.matches("<script").count(), 2, "the data and the script of the page");
    assert_eq!(text.matches("</script").count(), 2);
    assert!(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "it is shown");
    assert!(!text.chars().any(|c| c != '\n' && is_treacherous(c)));
    let data = text.split_once("id=\"data\">").unwrap().1.split_once("</script>").unwrap().0;
    assert!(!data.contains(['<', '>', '&']));
    let value: serde_json::Value = serde_json::from_str(data).unwrap();
    assert!(value["rows"].as_array().unwrap().iter().any(|r| r["n"].as_str().is_some()));
}

#[test]
fn answer_drawing_matrix_and_fixes_are_there_without_the_script() {
    let text = page(&sample::report());
    for words in [
        "<h1 class=\"bad\"><span class=\"mark\" aria-hidden=\"true\">✗</span> 1 of 3 workloads cannot start tasks",
        "class=\"way bad\"",
        "class=\"cell bad\" data-row=\"0\"",
        ">✗ 1 of 2</button>",
        "<b>NW01</b>",
        "aws ec2 authorize-security-group-ingress",
        "no endpoint, and no other way",
        "private-b",
        "NAT gateway",
        "Incomplete</b>: 1 answer not seen",
    ] {
        assert!(text.contains(words), "{words}");
    }
    let passing = page(&sample::passing());
    assert!(passing.contains("<h1 class=\"ok\">") && passing.contains("<p>None.</p>"));
}

#[test]
fn the_size_grows_with_what_differs() {
    let report = sample::large(2_000);
    let text = page(&report);
    assert!(text.len() < 4_000_000, "{} bytes", text.len());
    assert_eq!(text.matches("<tr><th scope=\"row\">").count(), ROWS);
    assert!(text.contains(">Show 1,800 more workloads</button>"), "the rest is a click away");
}

#[test]
fn an_empty_report_is_a_page_too() {
    let mut report = sample::passing();
    report.placements.clear();
    report.paths.clear();
    let text = page(&report);
    assert!(text.contains("No ECS workload here"));
    assert!(!text.contains("<form"));
}
