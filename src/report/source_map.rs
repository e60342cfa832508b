//! `--source-map FILE`: where the code of a resource stands, so that SARIF and annotations point at its line.
//!
//! A JSON object from a resource's id or ARN (`*` stands for anything) to `"path/of/file.tf:LINE"`, or to
//! `{"file": "path/of/file.tf", "line": 12}`. Paths are relative to the root of the repository.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::finding::Resource;

/// A line of a file in the repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Path relative to the root of the repository, with slashes.
    pub file: String,
    /// From 1.
    pub line: u64,
}

/// From resources to lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceMap(BTreeMap<String, Place>);

impl SourceMap {
    /// Reads a source map.
    ///
    /// # Errors
    /// What is no JSON object of this form, with the entry that is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let entries: BTreeMap<String, Value> = serde_json::from_slice(bytes).map_err(|e| format!("is no JSON object from resources to lines: {e}"))?;
        entries.into_iter().map(|(key, value)| place(&value).map(|p| (key.clone(), p)).map_err(|e| format!("entry `{}`: {e}", super::text::clean(&key)))).collect::<Result<_, _>>().map(Self)
    }

    /// Where the code of a resource stands: by its ARN, else its id, else the first pattern that matches either.
    #[must_use]
    pub fn find(&self, resource: &Resource) -> Option<&Place> {
        let names = [resource.arn.as_deref(), resource.id.as_deref()];
        let named = || names.into_iter().flatten();
        named().find_map(|n| self.0.get(n)).or_else(|| self.0.iter().find(|(k, _)| k.contains('*') && named().any(|n| glob(k, n))).map(|(_, p)| p))
    }
}

fn place(value: &Value) -> Result<Place, String> {
    let (file, line) = match value {
        Value::String(text) => match text.rsplit_once(':').and_then(|(f, l)| l.parse().ok().map(|l| (f, l))) {
            Some((file, line)) => (file.to_owned(), line),
            None => (text.clone(), 1),
        },
        Value::Object(o) => {
            let file = o.get("file").and_then(Value::as_str).ok_or("`file` is missing")?.to_owned();
            (file, o.get("line").map_or(Some(1), Value::as_u64).ok_or("`line` is no whole number")?)
        }
        _ => return Err("is neither \"file:line\" nor {\"file\": …, \"line\": …}".to_owned()),
    };
    let file = file.trim_start_matches("./").replace('\\', "/");
    if file.is_empty() || file.starts_with('/') || file.contains("://") || file.split('/').any(|p| p == "..") {
        return Err("the file is no path relative to the root of the repository".to_owned());
    }
    if line == 0 {
        return Err("lines count from 1".to_owned());
    }
    Ok(Place { file, line })
}

/// Whether `text` matches `pattern`, in which `*` stands for any text.
#[must_use]
pub fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_found_by_arn_id_and_pattern() {
        let map = SourceMap::parse(br#"{"sg-1": "net/main.tf:12", "arn:aws:ecs:*:service/prod/*": {"file": "./ecs.tf"}, "vpce-1": "a.tf"}"#).unwrap();
        let of = |arn: Option<&str>, id: &str| map.find(&Resource { arn: arn.map(str::to_owned), id: Some(id.to_owned()), ..Resource::default() }).map(|p| (p.file.as_str(), p.line));
        assert_eq!(of(None, "sg-1"), Some(("net/main.tf", 12)));
        assert_eq!(of(Some("arn:aws:ecs:us-east-2:1:service/prod/web"), "web"), Some(("ecs.tf", 1)));
        assert_eq!(of(None, "vpce-1"), Some(("a.tf", 1)));
        assert_eq!(of(None, "sg-2"), None);
    }

    #[test]
    fn paths_that_leave_the_repository_are_refused() {
        for bad in ["/etc/passwd:1", "../x.tf:1", "https://x/y:1", "a.tf:0", ""] {
            let text = serde_json::json!({"sg-1": bad}).to_string();
            assert!(SourceMap::parse(text.as_bytes()).unwrap_err().contains("entry `sg-1`"), "{bad}");
        }
        assert!(SourceMap::parse(b"[]").is_err());
        assert!(SourceMap::parse(br#"{"a": 3}"#).is_err());
    }

    #[test]
    fn stars_match_any_text() {
        for (pattern, text, want) in
            [("a*c", "abc", true), ("a*c", "ac", true), ("a*c", "ab", false), ("abc", "abc", true), ("abc", "abcd", false), ("*", "", true), ("a*b*c", "a-b-b-c", true), ("aa*a", "aa", false)]
        {
            assert_eq!(glob(pattern, text), want, "{pattern} {text}");
        }
    }
}
