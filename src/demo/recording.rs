//! Recorded answers, chosen by what is asked: the operation, what it names (ids, filters, subject), the page, the region.
//!
//! A recording is text. Each answer begins with a line `@ status region service operation subject…` (region `*`: any), then
//! comes the body: what is before the items of its list, one line for each item, and what is after. A subject is what an
//! output does not name itself; a request is about it if each word of the subject is among its values.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::replay::{Answers, Asked, Reply, percent_decode};

/// Values of page tokens begin so.
const TOKEN: &str = "recorded-after-";

/// Requests that name no operation: method, parts of the path (`*` is an id) and the operation.
const REST: [(&str, &str, &str); 5] = [
    ("GET", "2013-04-01/hostedzonesbyvpc", "ListHostedZonesByVPC"),
    ("GET", "2013-04-01/hostedzone/*/rrset", "ListResourceRecordSets"),
    ("GET", "profileassociations", "ListProfileAssociations"),
    ("GET", "detector", "ListDetectors"),
    ("GET", "detector/*", "GetDetector"),
];

/// Operations of ECS that describe what is named, and the member that names it.
const DESCRIBES: [(&str, &str); 4] = [("DescribeClusters", "clusters"), ("DescribeContainerInstances", "containerInstances"), ("DescribeServices", "services"), ("DescribeTasks", "tasks")];

/// A recording.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    taken_at: Option<String>,
    /// By service and operation: region, subject and answer.
    answers: BTreeMap<(String, String), Vec<Recorded>>,
    /// Never more items on a page than this.
    page: Option<usize>,
}

#[derive(Debug, Clone)]
struct Recorded {
    region: String,
    subject: Vec<String>,
    status: u16,
    body: String,
}

impl Recording {
    /// Reads a recording; lines that are no answer (comments at the top) are left out.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut recording = Self { taken_at: text.lines().find_map(|l| l.strip_prefix("# taken_at ")).map(str::to_owned), ..Self::default() };
        for answer in text.split("\n@ ").skip(1) {
            let (head, body) = answer.split_once('\n').unwrap_or((answer, ""));
            let mut words = head.split(' ').map(str::to_owned);
            let (Some(status), Some(region), Some(service), Some(operation)) = (words.next(), words.next(), words.next(), words.next()) else { continue };
            let recorded = Recorded { region, subject: words.collect(), status: status.parse().unwrap_or(500), body: body.trim_end_matches('\n').to_owned() };
            recording.answers.entry((service, operation)).or_default().push(recorded);
        }
        recording
    }

    /// The same answers on pages of at most so many items.
    #[must_use]
    pub fn with_pages_of(self, items: usize) -> Self {
        Self { page: Some(items), ..self }
    }

    /// When the recording was made.
    #[must_use]
    pub fn taken_at(&self) -> Option<&str> {
        self.taken_at.as_deref()
    }

    /// The regions that it holds answers of.
    #[must_use]
    pub fn regions(&self) -> BTreeSet<&str> {
        self.answers.values().flatten().map(|a| a.region.as_str()).filter(|r| *r != "*").collect()
    }

    /// The name of the operation that a request asks for.
    #[must_use]
    pub fn operation(asked: &Asked) -> &str {
        let Some((method, path)) = asked.operation.split_once(' ') else { return &asked.operation };
        let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
        let fits = |pattern: &str| pattern.split('/').count() == parts.len() && pattern.split('/').zip(&parts).all(|(want, have)| want == "*" || want == *have);
        REST.iter().find(|(m, pattern, _)| *m == method && fits(pattern)).map_or(asked.operation.as_str(), |(_, _, operation)| operation)
    }

    fn find(&self, asked: &Asked, operation: &str, request: &Request) -> Option<&Recorded> {
        // Global services sign for a region of their own, and each service is known by the name in its signature.
        let about = |a: &&Recorded| (a.region == "*" || a.region == asked.region) && a.subject.iter().all(|word| request.names(word));
        self.answers.get(&(asked.service.clone(), operation.to_owned()))?.iter().filter(about).max_by_key(|a| a.subject.len())
    }
}

impl Answers for Recording {
    fn answer(&self, asked: &Asked) -> Option<Reply> {
        let operation = Self::operation(asked);
        let request = Request::read(asked);
        let Some(found) = self.find(asked, operation, &request) else {
            return Some(refusal(asked, "NotRecorded", &format!("no recorded answer to {operation} in {}", asked.region)));
        };
        let body = match Parts::of(&found.body) {
            Some(parts) => parts.select(operation, &request).page(self.page, &request, asked, operation),
            None => found.body.clone(),
        };
        Some(Reply { status: found.status, body: body.into_bytes() })
    }
}

/// An error as the service that was asked shapes it.
#[must_use]
pub fn refusal(asked: &Asked, code: &str, message: &str) -> Reply {
    let body = match asked.service.as_str() {
        "ec2" => format!("<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>recorded</RequestID></Response>"),
        "iam" | "sts" | "route53" => format!("<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>recorded</RequestId></ErrorResponse>"),
        _ => serde_json::json!({"__type": code, "message": message}).to_string(),
    };
    Reply { status: if code.contains("Denied") || code.contains("Unauthorized") { 403 } else { 400 }, body: body.into_bytes() }
}

/// The names and values in a request.
#[derive(Debug, Default)]
struct Request {
    /// Key and value; keys of JSON are those of the nearest object.
    values: Vec<(String, String)>,
}

impl Request {
    fn read(asked: &Asked) -> Self {
        let mut request = Self::default();
        let form = asked.service == "ec2" || asked.service == "iam" || asked.service == "sts";
        for pair in asked.query.split('&').chain(form.then(|| asked.body.split('&')).into_iter().flatten()) {
            if let Some((key, value)) = pair.split_once('=') {
                request.values.push((percent_decode(key), percent_decode(&value.replace('+', " "))));
            }
        }
        let path = asked.operation.split_once(' ').map_or("", |(_, path)| path);
        request.values.extend(path.split('/').map(|part| ("path".to_owned(), part.to_owned())));
        if let Ok(json) = serde_json::from_str(&asked.body) {
            request.walk("", &json);
        }
        request
    }

    fn walk(&mut self, key: &str, value: &serde_json::Value) {
        match value {
            serde_json::Value::Object(members) => members.iter().for_each(|(k, v)| self.walk(k, v)),
            serde_json::Value::Array(items) => items.iter().for_each(|v| self.walk(key, v)),
            serde_json::Value::String(text) => self.values.push((key.to_owned(), text.clone())),
            serde_json::Value::Number(number) => self.values.push((key.to_owned(), number.to_string())),
            _ => {}
        }
    }

    /// Whether the request has this value, an ARN also by its last part.
    fn names(&self, word: &str) -> bool {
        self.values.iter().any(|(_, v)| v == word || (word.starts_with("arn:") && word.rsplit('/').next() == Some(v)))
    }

    fn of(&self, key: &str) -> impl Iterator<Item = &str> {
        self.values.iter().filter(move |(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| v.as_str())
    }

    /// What every item has to hold, as alternatives: values of a filter, ids.
    fn conditions(&self) -> Vec<Vec<&str>> {
        let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (key, value) in &self.values {
            let group = match key.split_once('.') {
                Some(("Filter", rest)) => rest.split_once('.').filter(|(_, k)| k.starts_with("Value")).map(|(number, _)| number),
                Some((ids, _)) if ids.ends_with("Id") || ids == "ServiceName" => Some(ids),
                _ => None,
            };
            if let Some(group) = group {
                groups.entry(group).or_default().push(value);
            }
        }
        groups.into_values().collect()
    }
}

/// The strings of a JSON text, and what follows each of their slashes: an ARN is asked for by its last parts too.
fn strings(json: &str) -> impl Iterator<Item = &str> {
    json.split('"').flat_map(|text| std::iter::once(text).chain(text.match_indices('/').filter_map(|(at, _)| text.get(at + 1..))))
}

/// A body that is a list.
struct Parts<'a> {
    head: &'a str,
    items: Vec<&'a str>,
    tail: String,
    json: bool,
}

impl<'a> Parts<'a> {
    fn of(body: &'a str) -> Option<Self> {
        let (head, rest) = body.split_once('\n')?;
        let json = head.starts_with('{');
        let (items, tail) = rest.rsplit_once('\n').unwrap_or(("", rest));
        let items = items.lines().map(|l| l.strip_suffix(',').filter(|_| json).unwrap_or(l)).collect();
        Some(Self { head, items, tail: tail.to_owned(), json })
    }

    /// Keeps what was asked for; what ECS does not have is among the failures.
    fn select(mut self, operation: &str, request: &Request) -> Self {
        if let Some((_, member)) = DESCRIBES.iter().find(|(o, _)| *o == operation) {
            let wanted: BTreeSet<&str> = request.of(member).collect();
            let mut found: BTreeSet<&str> = BTreeSet::new();
            self.items.retain(|item| {
                let here: Vec<&str> = strings(item).filter_map(|text| wanted.get(text).copied()).collect();
                found.extend(here.iter().copied());
                !here.is_empty()
            });
            let missing: Vec<_> = request.of(member).filter(|id| !found.contains(id)).map(|id| serde_json::json!({"arn": id, "reason": "MISSING"})).collect();
            self.tail = self.tail.replace(r#""failures": []"#, &format!(r#""failures": {}"#, serde_json::Value::from(missing)));
        } else if !self.json {
            for any in request.conditions() {
                let any: Vec<String> = any.into_iter().map(|value| format!(">{value}<")).collect();
                self.items.retain(|item| any.iter().any(|value| item.contains(value)));
            }
        }
        self
    }

    /// The page that was asked for, with the token of the next one.
    fn page(self, most: Option<usize>, request: &Request, asked: &Asked, operation: &str) -> String {
        let start: usize = request.values.iter().find_map(|(_, v)| v.strip_prefix(TOKEN)?.parse().ok()).unwrap_or_default();
        let size = ["MaxResults", "MaxItems"].iter().find_map(|key| request.of(key).next()?.parse().ok());
        // What describes named things has no pages.
        let size = if DESCRIBES.iter().any(|(o, _)| *o == operation) { None } else { most.into_iter().chain(size).min() }.unwrap_or(usize::MAX);
        let end = start.saturating_add(size.max(1)).min(self.items.len());
        let items = self.items.get(start.min(end)..end).unwrap_or_default();
        let tail = if end < self.items.len() { self.continued(&format!("{TOKEN}{end}"), asked, operation) } else { self.tail };
        format!("{}\n{}\n{tail}", self.head, items.join(if self.json { ",\n" } else { "\n" }))
    }

    /// The tail of a page that is not the last, in the words of its service.
    fn continued(&self, token: &str, asked: &Asked, operation: &str) -> String {
        if self.json {
            let key = if matches!(asked.service.as_str(), "route53resolver" | "route53profiles" | "cloudtrail") { "NextToken" } else { "nextToken" };
            return format!(r#"{}, "{key}": "{token}"}}"#, self.tail.strip_suffix('}').unwrap_or(&self.tail));
        }
        let more = match (asked.service.as_str(), operation) {
            ("iam", _) => format!("<Marker>{token}</Marker>"),
            (_, "ListResourceRecordSets") => format!("<NextRecordName>{token}</NextRecordName><NextRecordType>A</NextRecordType>"),
            ("route53", _) => format!("<NextToken>{token}</NextToken>"),
            _ => format!("<nextToken>{token}</nextToken>"),
        };
        let tail = self.tail.replace("<IsTruncated>false</IsTruncated>", "<IsTruncated>true</IsTruncated>");
        // Right after the list, which is inside of whatever holds it.
        match tail.split_once('>') {
            Some((list, rest)) => format!("{list}>{more}{rest}"),
            None => tail,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# a test\n# taken_at 2026-01-02T03:04:05Z\n\
        @ 200 eu-west-1 ec2 DescribeSubnets\n<R><subnetSet>\n<item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId></item>\n<item><subnetId>subnet-2</subnetId><vpcId>vpc-2</vpcId></item>\n</subnetSet></R>\n\
        @ 200 eu-west-1 ec2 DescribeVpcAttribute vpc-1 enableDnsSupport\n<R>one</R>\n\
        @ 200 eu-west-1 ecs DescribeTasks\n{\"tasks\": [\n{\"taskArn\": \"arn:t/c/1\"},\n{\"taskArn\": \"arn:t/c/2\"}\n], \"failures\": []}\n\
        @ 200 eu-west-1 ecs ListTasks arn:aws:ecs:eu-west-1:4:cluster/c RUNNING\n{\"taskArns\": [\n\"arn:t/c/1\",\n\"arn:t/c/2\"\n]}\n\
        @ 404 * iam GetRole gone\n<E/>\n\
        @ 200 * iam ListRolePolicies worker\n<R><PolicyNames>\n<member>a</member>\n<member>b</member>\n</PolicyNames><IsTruncated>false</IsTruncated></R>\n";

    fn ask(service: &str, operation: &str, body: &str) -> Asked {
        Asked { service: service.into(), region: "eu-west-1".into(), operation: operation.into(), query: String::new(), body: body.into() }
    }

    fn text(recording: &Recording, asked: &Asked) -> (u16, String) {
        let reply = recording.answer(asked).unwrap();
        (reply.status, String::from_utf8(reply.body).unwrap())
    }

    #[test]
    fn filters_and_ids_select_items() {
        let recording = Recording::parse(TEXT);
        assert_eq!(recording.taken_at(), Some("2026-01-02T03:04:05Z"));
        assert_eq!(recording.regions(), BTreeSet::from(["eu-west-1"]));
        let all = text(&recording, &ask("ec2", "DescribeSubnets", "Action=DescribeSubnets&MaxResults=1000"));
        assert!(all.1.contains("subnet-1") && all.1.contains("subnet-2") && !all.1.contains("nextToken"), "{all:?}");
        let one = text(&recording, &ask("ec2", "DescribeSubnets", "Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-2&Filter.1.Value.2=vpc-9"));
        assert!(!one.1.contains("subnet-1") && one.1.contains("subnet-2"), "{one:?}");
        let none = text(&recording, &ask("ec2", "DescribeSubnets", "SubnetId.1=subnet-9"));
        assert_eq!(none.1, "<R><subnetSet>\n\n</subnetSet></R>");
    }

    #[test]
    fn subjects_are_found_among_the_values() {
        let recording = Recording::parse(TEXT);
        assert_eq!(text(&recording, &ask("ec2", "DescribeVpcAttribute", "VpcId=vpc-1&Attribute=enableDnsSupport")).1, "<R>one</R>");
        assert_eq!(text(&recording, &ask("ec2", "DescribeVpcAttribute", "VpcId=vpc-1&Attribute=enableDnsHostnames")).0, 400);
        assert_eq!(text(&recording, &ask("iam", "GetRole", "RoleName=gone")), (404, "<E/>".to_owned()));
        // A cluster by its name alone.
        assert_eq!(text(&recording, &ask("ecs", "ListTasks", r#"{"cluster":"c","desiredStatus":"RUNNING"}"#)).0, 200);
        assert_eq!(text(&recording, &ask("ecs", "ListTasks", r#"{"cluster":"c","desiredStatus":"STOPPED"}"#)).0, 400);
    }

    #[test]
    fn what_ecs_does_not_have_is_a_failure() {
        let recording = Recording::parse(TEXT);
        let (_, body) = text(&recording, &ask("ecs", "DescribeTasks", r#"{"cluster":"c","tasks":["arn:t/c/2","arn:t/c/3"]}"#));
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body, serde_json::json!({"tasks": [{"taskArn": "arn:t/c/2"}], "failures": [{"arn": "arn:t/c/3", "reason": "MISSING"}]}));
    }

    #[test]
    fn pages_lead_to_the_next_and_end() {
        let recording = Recording::parse(TEXT).with_pages_of(1);
        let first = text(&recording, &ask("ec2", "DescribeSubnets", ""));
        assert_eq!(first.1, "<R><subnetSet>\n<item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId></item>\n</subnetSet><nextToken>recorded-after-1</nextToken></R>");
        let last = text(&recording, &ask("ec2", "DescribeSubnets", "NextToken=recorded-after-1"));
        assert!(last.1.contains("subnet-2") && !last.1.contains("nextToken"), "{last:?}");
        let (_, json) = text(&recording, &ask("ecs", "ListTasks", r#"{"cluster":"c","desiredStatus":"RUNNING"}"#));
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json, serde_json::json!({"taskArns": ["arn:t/c/1"], "nextToken": "recorded-after-1"}));
        let (_, roles) = text(&recording, &ask("iam", "ListRolePolicies", "RoleName=worker"));
        assert!(roles.contains("<Marker>recorded-after-1</Marker><IsTruncated>true</IsTruncated>"), "{roles}");
    }

    #[test]
    fn rest_requests_are_named() {
        let named = |operation: &str| Recording::operation(&ask("x", operation, "")).to_owned();
        assert_eq!(named("GET /2013-04-01/hostedzone/Z123/rrset"), "ListResourceRecordSets");
        assert_eq!(named("GET /detector"), "ListDetectors");
        assert_eq!(named("DescribeVpcs"), "DescribeVpcs");
        assert_eq!(named("POST /detector"), "POST /detector");
    }
}
