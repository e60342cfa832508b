//! Text for people: neutralising what comes from the account, wrapping, shortening, counting.
//!
//! Names, tags, policies and error messages are written by whoever owns the account. Every format passes them through
//! [`clean`] (one line) or [`clean_lines`] (several) before its own escaping.

use unicode_width::UnicodeWidthStr;

/// Whether a character could steer a terminal, reorder a line, or hide in it: control characters (C0, DEL, C1),
/// bidirectional marks, overrides and isolates, zero-width and invisible characters, line and paragraph separators.
#[must_use]
pub const fn is_treacherous(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// One line that is safe to print: line breaks and tabs become blanks, other treacherous characters their `\u{…}` name.
#[must_use]
pub fn clean(text: &str) -> String {
    if !text.chars().any(is_treacherous) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => out.push(' '),
            c if is_treacherous(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// The same for text of several lines: line feeds stay, everything else as in [`clean`].
#[must_use]
pub fn clean_lines(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

/// Text as Markdown that shows it and does nothing else: one line, every character that Markdown or HTML could act on
/// escaped, mentions (`@name`) and references (`#1`) of GitHub broken.
#[must_use]
pub fn markdown(text: &str) -> String {
    let mut out = String::new();
    let text = clean(text);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // Behind an invisible blank, `@name` mentions nobody and `#1` links to nothing.
            '@' | '#' => out.push_str(&format!("&#{};&#8203;", u32::from(c))),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '!' | '|' | '~' | '+' | '=' | '$' | '^' => out.extend(['\\', c]),
            // `https://…` and `www.…` link themselves, in GitHub's Markdown.
            ':' if chars.peek() == Some(&'/') => out.push_str("&#58;"),
            '.' if out.ends_with("www") || out.ends_with("WWW") => out.push_str("&#46;"),
            c => out.push(c),
        }
    }
    out
}

/// Text as a code span that no backtick in it ends. Not for the cells of a table, which a `|` would end.
#[must_use]
pub fn markdown_code(text: &str) -> String {
    let text = clean(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    match (text.is_empty(), longest) {
        (true, _) => String::new(),
        (false, 0) => format!("{fence}{text}{fence}"),
        (false, _) => format!("{fence} {text} {fence}"),
    }
}

/// Columns that a text takes on a terminal.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// Breaks `text` at blanks into lines of at most `columns`, the first after `first`, the others after `rest`. A word that
/// is longer than a line stands alone and sticks out: ids and commands stay copyable.
#[must_use]
pub fn wrap(text: &str, columns: usize, first: &str, rest: &str) -> String {
    let mut out = String::from(first);
    let mut at = width(first);
    let mut empty = true;
    for word in text.split_whitespace() {
        let w = width(word);
        if !empty && at + 1 + w > columns {
            out.push('\n');
            out.push_str(rest);
            at = width(rest);
            empty = true;
        }
        if !empty {
            out.push(' ');
            at += 1;
        }
        out.push_str(word);
        at += w;
        empty = false;
    }
    out
}

/// At most `columns` wide, with `…` in the place of what was cut.
#[must_use]
pub fn shorten(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut at = 0;
    for c in text.chars() {
        let w = width(c.encode_utf8(&mut [0; 4]));
        if at + w + 1 > columns {
            break;
        }
        at += w;
        out.push(c);
    }
    out.push('…');
    out
}

/// At most `bytes` long, cut at a character, with `…` in the place of what was cut.
#[must_use]
pub fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let end = (0..=bytes.saturating_sub(3)).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    format!("{}…", text.get(..end).unwrap_or_default())
}

/// The first sentence of a message. A dot inside a name (`ecr.api`) ends no sentence.
#[must_use]
pub fn first_sentence(text: &str) -> &str {
    text.find(". ").and_then(|i| text.get(..=i)).unwrap_or(text)
}

/// `1 workload`, `2 workloads`.
#[must_use]
pub fn count(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{} {one}s", thousands(n)) }
}

/// `12,345`.
#[must_use]
pub fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `a`, `a and b`, `a, b and c`, or the first `most` and how many more there are.
#[must_use]
pub fn list<S: AsRef<str>>(items: &[S], most: usize) -> String {
    let shown: Vec<&str> = items.iter().take(most).map(AsRef::as_ref).collect();
    let more = items.len() - shown.len();
    if more > 0 {
        return format!("{} and {} more", shown.join(", "), thousands(more));
    }
    match shown.split_last() {
        None => String::new(),
        Some((one, [])) => (*one).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// What people call the object of an ARN: `web` for a service, `task 0123456789ab…`, `container instance 0123456789ab…`,
/// else the part behind the last slash or colon. Anything else stays as it is.
#[must_use]
pub fn short_arn(arn: &str) -> String {
    let Some(tail) = arn.splitn(6, ':').nth(5).filter(|_| arn.starts_with("arn:")) else { return clean(arn) };
    let mut parts = tail.split('/');
    let kind = parts.next().unwrap_or_default();
    let last = parts.next_back().unwrap_or(kind);
    clean(&match kind {
        "task" => format!("task {}", shorten(last, 13)),
        "container-instance" => format!("container instance {}", shorten(last, 13)),
        "capacity-provider" => format!("capacity provider {last}"),
        _ => last.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_bidi_marks_become_visible() {
        assert_eq!(clean("a\u{1b}[31mb\u{9b}0m\u{202e}c\u{200b}"), "a\\u{1b}[31mb\\u{9b}0m\\u{202e}c\\u{200b}");
        assert_eq!(clean("one\r\ntwo\tthree\u{2028}"), "one  two three ");
        assert_eq!(clean("größer 日本 ✓"), "größer 日本 ✓", "ordinary text of any language stays");
        assert_eq!(clean_lines("a\u{7}\n  b"), "a\\u{7}\n  b");
    }

    #[test]
    fn wrapped_lines_keep_to_their_columns() {
        let text = wrap("the endpoint's security group admits nobody from this subnet", 24, "- ", "  ");
        assert_eq!(text, "- the endpoint's\n  security group admits\n  nobody from this\n  subnet");
        assert!(text.lines().all(|l| width(l) <= 24));
        assert_eq!(wrap("aaaaaaaaaaaa b", 5, "", ""), "aaaaaaaaaaaa\nb", "a long word stays whole");
    }

    #[test]
    fn shortening_counts_columns_not_bytes() {
        assert_eq!(shorten("日本語", 5), "日本…");
        assert_eq!(shorten("abc", 3), "abc");
        assert_eq!(cut("ééé", 5), "é…");
        assert_eq!(cut("abc", 3), "abc");
    }

    #[test]
    fn lists_and_counts_read_well() {
        assert_eq!(list(&["a"], 3), "a");
        assert_eq!(list(&["a", "b"], 3), "a and b");
        assert_eq!(list(&["a", "b", "c"], 3), "a, b and c");
        assert_eq!(list(&["a", "b", "c", "d"], 2), "a, b and 2 more");
        assert_eq!(list::<&str>(&[], 2), "");
        assert_eq!(count(1, "path"), "1 path");
        assert_eq!(count(12_345, "path"), "12,345 paths");
    }

    #[test]
    fn arns_get_their_everyday_names() {
        assert_eq!(short_arn("arn:aws:ecs:us-east-2:123456789012:service/prod/web"), "web");
        assert_eq!(short_arn("arn:aws:ecs:us-east-2:123456789012:task/prod/0123456789abcdef0123456789abcdef"), "task 0123456789ab…");
        assert_eq!(short_arn("arn:aws:s3:::bucket"), "bucket");
        assert_eq!(short_arn("sg-1"), "sg-1");
        assert_eq!(first_sentence("No ecr.api endpoint. Then more."), "No ecr.api endpoint.");
    }
}
