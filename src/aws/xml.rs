//! Whether XML is whole. The SDK reads XML with a lenient parser that takes what comes before a break for all there is; the
//! audit must not.

/// Whether every element that a document opens is closed again in its turn, and nothing follows the first one.
pub(super) fn is_whole(document: &[u8]) -> bool {
    let mut open: Vec<&[u8]> = Vec::new();
    let mut roots = 0;
    let mut rest = document;
    loop {
        let Some(start) = rest.iter().position(|b| *b == b'<') else {
            // After the root only white space may follow.
            return open.is_empty() && roots == 1 && rest.trim_ascii().is_empty();
        };
        let (text, tag) = rest.split_at(start);
        if open.is_empty() && !text.trim_ascii().is_empty() && !text.starts_with(b"\xef\xbb\xbf") {
            return false;
        }
        let (end, skip) = match tag {
            [b'<', b'!', b'-', b'-', ..] => (find(tag, b"-->"), 3),
            [b'<', b'!', b'[', ..] => (find(tag, b"]]>"), 3),
            _ => (find(tag, b">"), 1),
        };
        let Some(end) = end else { return false };
        let (inner, after) = tag.split_at(end);
        rest = after.get(skip..).unwrap_or_default();
        let inner = inner.get(1..).unwrap_or_default();
        match inner {
            [b'?' | b'!', ..] => {}
            [b'/', name @ ..] => {
                if open.pop() != Some(name.trim_ascii_end()) {
                    return false;
                }
            }
            _ => {
                let name = inner.split(|b| b.is_ascii_whitespace() || *b == b'/').next().unwrap_or_default();
                if name.is_empty() {
                    return false;
                }
                roots += usize::from(open.is_empty());
                if !inner.ends_with(b"/") {
                    open.push(name);
                }
            }
        }
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|w| w == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<R xmlns=\"http://x/y\"><a>1</a><!-- <b> --><set/><c k='v'>&gt;<![CDATA[<d>]]></c></R>\n";

    #[test]
    fn a_whole_document_is_whole() {
        assert!(is_whole(WHOLE.as_bytes()));
        assert!(is_whole(b"<R/>"));
        assert!(is_whole(b"\xef\xbb\xbf<R></R >"));
    }

    #[test]
    fn whatever_is_cut_off_is_not() {
        let end = WHOLE.trim_end().len();
        for cut in 0..end {
            assert!(!is_whole(&WHOLE.as_bytes()[..cut]), "{}", &WHOLE[..cut]);
        }
    }

    #[test]
    fn broken_nesting_and_leftovers_are_not() {
        for broken in ["<R><a></R></a>", "<R></R><R></R>", "<R><oops></nope>&", "<R></R>x", "x<R></R>", "<R><></R>", ""] {
            assert!(!is_whole(broken.as_bytes()), "{broken}");
        }
    }
}
